"""`fsmlearn plot`: the machine and its network as pictures, from the stored model alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fsmlearn.cli import console, options
from fsmlearn.cli.options import Argument, Option
from fsmlearn.errors import PictureError, SettingsError

if TYPE_CHECKING:
    from fsmlearn.plots.diagram import Diagram

KINDS = ("machine",)


def run(
    kind: Annotated[str | None, Argument(metavar="KIND", help="What to show: machine.")] = None,
    output: Annotated[
        str | None,
        Option("--output", "-o", metavar="FILE", help="The picture to write: its suffix is svg, png or pdf."),
    ] = None,
    model: options.Model = options.MODEL,
    around: Annotated[
        str | None, Option("--around", metavar="STATE", help="machine: only this state and its neighbours.")
    ] = None,
    collapse: Annotated[
        bool, Option("--collapse", help="machine: one state for each visible state, whatever the machine tells apart.")
    ] = False,
    min_count: Annotated[
        str | None, Option("--min-count", metavar="N", help="machine: only transitions of at least N rows.")
    ] = None,
    noise: Annotated[
        bool, Option("--noise", help="machine: show, dashed, transitions of the log that were not believed.")
    ] = False,
    unseen: Annotated[
        bool, Option("--unseen", help="machine: show, dotted, the triggers that the log never shows in a state.")
    ] = False,
) -> None:
    """Show the machine or its network."""
    if kind not in KINDS:
        raise SettingsError(f"there is no plot {kind!r}; choose {', '.join(KINDS)}")
    suffix = _suffix(output) if output is not None else None
    shown = _diagram(model, around, collapse, min_count, noise, unseen)
    if output is None or suffix is None:
        from fsmlearn.plots.outline import outline
        from fsmlearn.plots.styled import caption

        if noise or unseen:
            raise SettingsError(f"--{'noise' if noise else 'unseen'} is for a picture; name its file with -o")
        console.out(outline(shown, console.width()))
        console.aside(caption(shown))
        return
    from fsmlearn import files
    from fsmlearn.plots import graphviz, styled

    files.check_writable(output, "-o", PictureError)
    files.write(output, graphviz.draw(styled.dot(shown), suffix), "-o", PictureError)


def _suffix(output: str) -> str:
    suffix = Path(output).suffix.removeprefix(".").lower()
    if suffix not in ("svg", "png", "pdf"):
        raise SettingsError(f"{output}: the suffix says what to write; name a .svg, .png or .pdf file")
    return suffix


def _diagram(
    model: str, around: str | None, collapse: bool, min_count: str | None, noise: bool, unseen: bool
) -> Diagram:
    from fsmlearn import store
    from fsmlearn.plots.diagram import collapsed, diagram

    least = _number(min_count)
    machine = store.load_machine(model)
    return diagram(
        collapsed(machine) if collapse else machine,
        around=around,
        min_count=least,
        noise=store.load_about(model).comparison if noise else (),
        unseen=unseen,
    )


def _number(given: str | None) -> int:
    if given is None:
        return 1
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise SettingsError(f"--min-count is {given!r}; give a whole number of rows")
    return max(int(given), 1)
