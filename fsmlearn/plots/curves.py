"""How a network learned, epoch by epoch, and how far back its learning reaches, as figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fsmlearn.about import TrainingSummary
from fsmlearn.dynamics import Floats
from fsmlearn.plots.paper import FAINT, INK, palette, sheet, word

HUES = ("#2f6db0", "#d9822b")  # of what was trained on, and of what was held out


def learning(training: TrainingSummary) -> Figure:
    """Loss, accuracy, gradient norm and learning rate over the epochs, the kept one marked."""
    figure = sheet(10, 6.6)
    panels = figure.subplots(2, 2, sharex=True)
    epochs = [each.index for each in training.epochs]
    loss, right, norm, rate = panels.ravel()
    _pair(loss, epochs, [each.loss for each in training.epochs], [each.held_out_loss for each in training.epochs])
    _named(loss, "loss, nats a row", log=True)
    shares = (
        [100 * each.accuracy for each in training.epochs],
        [100 * each.held_out_accuracy for each in training.epochs],
    )
    _pair(right, epochs, *shares)
    _named(right, "rows answered right, %")
    norm.plot(epochs, [each.gradient_norm for each in training.epochs], color=HUES[0], lw=1.6, marker=_dot(epochs))
    _named(norm, "norm of the gradient, mean of its batches", log=True)
    rate.plot(epochs, [each.learning_rate for each in training.epochs], color=HUES[0], lw=1.6, marker=_dot(epochs))
    _named(rate, "learning rate at the epoch's end")
    for axes in panels.ravel():
        axes.axvline(training.best, color=FAINT, lw=1, ls=":")
        axes.xaxis.get_major_locator().set_params(integer=True)
    for axes in panels[1]:
        axes.set_xlabel("epoch")
    cell = {"elman": "Elman", "gru": "GRU", "lstm": "LSTM"}.get(training.cell, training.cell)
    figure.suptitle(
        f"Training of a network of {training.hidden} hidden units ({cell}); dotted: the epoch that was kept"
    )
    handles, texts = loss.get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def gradients(norms: Mapping[str, Floats]) -> Figure:
    """For each network, by what it is called, how the gradient fades on its way back: its mean norm (lags + 1,) by the
    memory so many rows before, drawn as a multiple of that at lag 0."""
    figure = sheet(8.5, 5.4)
    axes = figure.subplots()
    for (name, found), colour in zip(norms.items(), palette(len(norms)), strict=True):
        lags = np.arange(len(found))
        share = found / found[0]
        axes.plot(lags, np.where(share > 0, share, np.nan), color=colour, lw=1.8, marker=_dot(lags), label=word(name))
    _named(axes, "", log=True)
    axes.axhline(1, color=FAINT, lw=0.8)
    axes.set_xlabel("lag: rows between the memory and the answer")
    axes.set_ylabel("gradient by the memory, as a multiple of that at lag 0")
    axes.set_title("How far back the loss of a row reaches", fontsize=11)
    axes.legend(*axes.get_legend_handles_labels(), frameon=False, fontsize=9)
    return figure


def _pair(axes: Axes, epochs: Sequence[int], trained: Sequence[float], held_out: Sequence[float]) -> None:
    for values, colour, label in zip((trained, held_out), HUES, ("rows trained on", "rows held out"), strict=True):
        axes.plot(epochs, values, color=colour, lw=1.6, marker=_dot(epochs), label=label)


def _dot(places: Sequence[int] | np.ndarray) -> str:
    """A mark for each value, where a line alone would show nothing."""
    return "o" if len(places) < 4 else ""


def _named(axes: Axes, title: str, *, log: bool = False) -> None:
    axes.set_title(title, fontsize=10, color=INK)
    if log:
        axes.set_yscale("log")
    axes.grid(True, color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
