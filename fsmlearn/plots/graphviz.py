"""Text in the language of Graphviz -> a picture, by whatever lays it out here: Graphviz itself, or the port of it that
`pip install 'fsmlearn[graphviz]'` brings."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig

from fsmlearn.errors import PictureError

FORMATS = ("svg", "png", "pdf")
PORT = "graphviz-pure"  # knows dot's options, and all formats but PDF


def program() -> str | None:
    """The program that lays graphs out: `dot` on the path, or the port on it or beside this Python."""
    return shutil.which("dot") or shutil.which(PORT) or shutil.which(PORT, path=sysconfig.get_path("scripts"))


def draw(text: str, format: str) -> bytes:
    """The picture in one of FORMATS. Raises PictureError where nothing here can draw it."""
    found = program()
    if found is None:
        raise PictureError(
            "nothing here lays out graphs; install Graphviz, whose program is dot, or pip install 'fsmlearn[graphviz]'"
        )
    done = subprocess.run([found, f"-T{format}"], input=text.encode(), capture_output=True, check=False)
    if done.returncode == 0 and done.stdout:
        return done.stdout
    told = " ".join(done.stderr.decode(errors="replace").split())[:200]
    if "not recognized" in told:
        raise PictureError(f"{found} does not write {format.upper()}; install Graphviz, or name an .svg or .png file")
    raise PictureError(f"{found} could not lay out the machine ({told or f'exit status {done.returncode}'})")
