"""`fsmlearn view`: the machine and all that is known of it as one HTML page, from the stored model alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fsmlearn.cli import console, options
from fsmlearn.cli.options import Option
from fsmlearn.errors import ModelError, PictureError

if TYPE_CHECKING:
    from fsmlearn.machine import Machine

PLOTS = "Pictures of the network need matplotlib: pip install 'fsmlearn[plots]', then fsmlearn view once more."


def run(
    output: Annotated[str, Option("--output", "-o", metavar="FILE", help="The page to write.")] = "machine.html",
    model: options.Model = options.MODEL,
    quiet: options.Quiet = False,
) -> None:
    """Write the machine as one HTML page, to look at in any browser.

    The page needs no network and no other file. It has the graph of the machine, to move, search and click through,
    with the evidence and lines of the log behind each state; a walk, trigger by trigger; replays of traces; the tables
    of the report, to sort and filter; the rows that were not believed, with reasons; how the network learned.

    Pictures of the network are in it where matplotlib is installed.
    """
    from pathlib import Path

    from fsmlearn import files, store
    from fsmlearn.formats import printable
    from fsmlearn.view.data import described
    from fsmlearn.view.page import page

    files.check_writable(output, "-o", PictureError)
    machine, origin = store.load_machine(model), store.load_origin(model)
    if Path(output).exists() and Path(output).samefile(model):
        raise ModelError(f"{output}: is the model itself; name another place with -o")
    if origin is None:
        about = store.load_about(model)
        data = described(machine, about, store.load_sample(model), *_pictures(model, machine))
        title = ", ".join(Path(name).name for name in about.log.files[:3])
    else:
        data, title = described(machine), Path(origin.imported).name
    text = page(data, printable(title or Path(model).name))
    files.write(output, text.encode(), "-o", PictureError)
    if not quiet:
        console.aside(f"saved as {output}")


def _pictures(model: str, machine: Machine) -> tuple[list[dict[str, str]], str]:
    """The pictures of the network, or how to get them."""
    try:
        from fsmlearn.view.pictures import pictures
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("matplotlib"):
            raise
        return [], PLOTS
    return pictures(model, machine), ""
