"""`fsmlearn plot`: the machine and its network as pictures, from the stored model alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fsmlearn.cli import console, options
from fsmlearn.cli.options import Argument, Option
from fsmlearn.errors import PictureError, SettingsError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fsmlearn.plots.diagram import Diagram

# What can be shown, and the options that say more of it.
KINDS: dict[str, tuple[str, ...]] = {
    "machine": ("--around", "--collapse", "--min-count", "--noise", "--unseen"),
    "state-space": ("--components", "--trace"),
    "vector-field": ("--trigger", "--components"),
    "basins": ("--trigger", "--components"),
    "transitions": (),
    "learning": (),
    "gradients": ("--trigger", "--beside"),
}


def run(
    kind: Annotated[str | None, Argument(metavar="KIND", help=f"What to show: {', '.join(KINDS)}.")] = None,
    output: Annotated[
        str | None,
        Option("--output", "-o", metavar="FILE", help="The picture to write; its suffix is svg, png or pdf."),
    ] = None,
    model: options.Model = options.MODEL,
    quiet: options.Quiet = False,
    around: Annotated[
        str | None, Option("--around", metavar="STATE", help="machine: this state and its neighbours alone.")
    ] = None,
    collapse: Annotated[
        bool, Option("--collapse", help="machine: take states together that the log calls by one name.")
    ] = False,
    min_count: Annotated[
        str | None, Option("--min-count", metavar="N", help="machine: transitions of at least N rows alone.")
    ] = None,
    noise: Annotated[
        bool, Option("--noise", help="machine: also, dashed, what the log shows and was not believed.")
    ] = False,
    unseen: Annotated[
        bool, Option("--unseen", help="machine: also, dotted, the triggers that the log never shows in a state.")
    ] = False,
    components: Annotated[
        str | None,
        Option("--components", metavar="I,J", help="state-space, vector-field, basins: the plane; 1,2 unless given."),
    ] = None,
    trace: Annotated[
        str | None,
        Option("--trace", metavar="ID", help="state-space: the way of this trace, one that the model keeps."),
    ] = None,
    trigger: Annotated[
        str | None,
        Option(
            "--trigger", metavar="TRIGGER", help="vector-field, basins: what happens; gradients: of its rows alone."
        ),
    ] = None,
    beside: Annotated[
        list[str] | None,
        Option("--beside", metavar="FILE", help="gradients: another model in the same picture; may be repeated."),
    ] = None,
) -> None:
    """Show the machine, or the network behind it, as a picture.

    Of the machine there is a text as well, a matrix and a tree of shortest ways: it is printed where no picture is
    named. Pictures of the machine need Graphviz, those of the network matplotlib.

    The network is shown in the plane of two principal components of the memories that the log's traces led it to.
    """
    if kind not in KINDS:
        asked = "say what to plot" if kind is None else f"there is no plot {kind!r}"
        raise SettingsError(f"{asked}; choose {', '.join(KINDS)}")
    given = {
        "--around": around,
        "--collapse": collapse,
        "--min-count": min_count,
        "--noise": noise,
        "--unseen": unseen,
        "--components": components,
        "--trace": trace,
        "--trigger": trigger,
        "--beside": beside,
    }
    for option, value in given.items():
        if value and option not in KINDS[kind]:
            whose = [name for name, known in KINDS.items() if option in known]
            raise SettingsError(f"{option} says nothing of {kind}; it is for {', '.join(whose)}")
    format = _format(output)
    if output is not None:
        from fsmlearn import files

        files.check_writable(output, "-o", PictureError)
    if kind == "machine":
        if output is None and (noise or unseen):
            raise SettingsError("--noise and --unseen are for pictures; name one with -o, such as -o machine.svg")
        shown = _diagram(model, around, collapse, min_count, noise, unseen)
        if shown.omitted and not quiet:
            console.aside(f"not shown: {', '.join(shown.omitted)}")
        if output is None or format is None:
            from fsmlearn.plots.outline import outline

            console.out(outline(shown, console.width()))
            return
        from fsmlearn.plots import graphviz, styled

        picture = graphviz.draw(styled.dot(shown), format)
    else:
        if output is None or format is None:
            raise SettingsError(f"{kind} is a picture; name its file with -o, such as -o {kind}.svg")
        if kind in ("vector-field", "basins") and trigger is None:
            raise SettingsError(f"{kind} shows what one trigger does; name it with --trigger")
        picture = _saved(kind, model, _plane(components), trace, trigger or None, beside or [], format)
    files.write(output, picture, "-o", PictureError)
    if not quiet:
        console.aside(f"saved as {output}")


def _format(output: str | None) -> str | None:
    if output is None:
        return None
    suffix = Path(output).suffix.removeprefix(".").lower()
    if suffix not in ("svg", "png", "pdf"):
        raise SettingsError(f"{output}: the suffix says what to write; name a .svg, .png or .pdf file")
    return suffix


def _diagram(
    model: str, around: str | None, collapse: bool, min_count: str | None, noise: bool, unseen: bool
) -> Diagram:
    from fsmlearn import store
    from fsmlearn.plots.diagram import collapsed, diagram

    least = _rows(min_count)
    machine = store.load_machine(model)
    return diagram(
        collapsed(machine) if collapse else machine,
        around=around,
        min_count=least,
        noise=store.load_about(model).comparison if noise else (),
        unseen=unseen,
    )


def _rows(given: str | None) -> int:
    if given is None:
        return 0  # a machine that was written down has no rows
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise SettingsError(f"--min-count is {given!r}; give a whole number of rows")
    return int(given)


def _plane(components: str | None) -> tuple[int, int]:
    if components is None:
        return 1, 2
    numbers = [int(word) for word in components.split(",") if word.strip().isascii() and word.strip().isdigit()]
    if len(numbers) != 2 or components.count(",") != 1 or max(numbers) > 10**6:
        raise SettingsError(f"--components is {components!r}; give two numbers such as 1,3")
    return numbers[0], numbers[1]


def _saved(
    kind: str,
    model: str,
    components: tuple[int, int],
    trace: str | None,
    trigger: str | None,
    beside: list[str],
    format: str,
) -> bytes:
    try:
        from fsmlearn.plots import figures, paper
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("matplotlib"):
            raise
        raise PictureError(f"{kind} needs matplotlib; pip install 'fsmlearn[plots]'") from None
    figure: Figure
    if kind == "state-space":
        figure = figures.state_space(model, components, trace)
    elif kind == "vector-field":
        figure = figures.vector_field(model, trigger or "", components)
    elif kind == "basins":
        figure = figures.basin_map(model, trigger or "", components)
    elif kind == "transitions":
        figure = figures.transitions(model)
    elif kind == "learning":
        figure = figures.learning(model)
    else:
        figure = figures.gradients([model, *beside], trigger)
    return paper.saved(figure, format)
