"""What learns, and what moved all the same? Choose the stages that train, train one epoch, and compare."""

import copy

import ipywidgets
from torch import nn

from workshop_utils import training, transfer
from workshop_utils.data import ImageDataset
from workshop_utils.figure import COLOURS, Figure, sheet
from workshop_utils.models.modes import BatchNorm
from workshop_utils.widgets.panel import Panel, button, slider

TITLE = "What learns, and what moved"


def freezing(net: nn.Module, dataset: ImageDataset) -> Panel:
    """A switch for how many stages learn, counted from the head, and a button that trains a copy of the net for one epoch."""
    moved: dict[tuple, list[str]] = {}

    def epoch() -> None:
        state = panel.state
        moved[tuple(state.items())] = changed_in_an_epoch(net, dataset, **state)

    train = lambda: panel.act(epoch, doing="Training one epoch ...")
    too = "batch normalisation learns too"
    controls = {
        "learning": slider("stages that learn", 1, 0, len(stages(net))),
        "batchnorm": ipywidgets.Checkbox(False, description=too, indent=False),
    }
    draw = lambda **state: freezing_figure(net, moved.get(tuple(state.items())), **state)
    above = [button("Train one epoch and compare", train)]
    panel: Panel = Panel(TITLE, draw, controls, above=above, steady=True)
    return panel


def stages(net: nn.Module) -> list[str]:
    """The beginnings of parameter names, from the input to the head: one for each part of the net at the top that has parameters."""
    names: list[str] = []
    for name, part in net.named_children():
        parts = {name: part}
        if isinstance(part, nn.Sequential):
            parts = {f"{name}.{child}": layer for child, layer in part.named_children()}
        names += [place for place, layer in parts.items() if list(layer.parameters())]
    return names


def chosen(net: nn.Module, *, learning: int, batchnorm: bool) -> nn.Module:
    """A copy of the net in which the last `learning` stages learn and everything else is frozen."""
    names, net = stages(net), transfer.freeze(copy.deepcopy(net), keep_head=False)
    last = names[len(names) - learning :]
    return transfer.unfreeze(net, *last, batchnorm=batchnorm) if last else net


def changed_in_an_epoch(
    net: nn.Module, dataset: ImageDataset, *, learning: int, batchnorm: bool
) -> list[str]:
    """The tensors that move in one epoch on `dataset`. Raises ValueError if nothing may learn."""
    if not learning:
        raise ValueError(
            "Nothing may learn: torch would stop with 'element 0 of tensors does not require grad'. Let at least the head learn."
        )
    net = chosen(net, learning=learning, batchnorm=batchnorm)
    before = copy.deepcopy(net.state_dict())
    training.fit(net, dataset, epochs=1, learning_rate=1e-3)
    return transfer.changed(before, net.state_dict())


def freezing_figure(
    net: nn.Module, moved: list[str] | None, *, learning: int, batchnorm: bool
) -> Figure:
    """Bars of the parameters that learn and that are frozen, stage by stage; moved: what an epoch changed, if one was trained."""
    net, names = chosen(net, learning=learning, batchnorm=batchnorm), stages(net)

    def count(stage: str, learns: bool) -> int:
        found = (p for name, p in net.named_parameters() if f"{name}.".startswith(f"{stage}."))
        return sum(p.numel() for p in found if p.requires_grad == learns)

    learns, frozen = ([count(name, kind) for name in names] for kind in (True, False))
    steps = [sum(f"{tensor}.".startswith(f"{name}.") for tensor in moved or []) for name in names]
    figure, axes = sheet(TITLE, (10, 0.42 * len(names) + 1.2))
    labels = [f"{name}: {type(net.get_submodule(name)).__name__}" for name in names]
    axes.barh(labels, frozen, color=COLOURS[5], label="frozen")
    look = {"color": COLOURS[1], "hatch": "//", "edgecolor": "white", "label": "learns"}
    bars = axes.barh(labels, learns, left=frozen, **look)
    after = "" if moved is None else "; {} tensors moved"
    said = [f"{number:,} learn{after.format(step)}" for number, step in zip(learns, steps)]
    axes.bar_label(bars, said, padding=6)
    axes.invert_yaxis()
    axes.set(xlabel="parameters", xlim=(0, 1.5 * max(map(sum, zip(learns, frozen)))))
    axes.legend(frameon=False, loc="upper right")
    layers = sum(isinstance(part, BatchNorm) for part in net.modules())
    each = "; ".join(f"{name} {sum(both):,}" for name, *both in zip(labels, learns, frozen))
    those = "learns where its stage does" if batchnorm else "is frozen everywhere"
    epoch = "Nothing was trained yet with these settings."
    if moved is not None:
        statistics = sum("running_" in tensor for tensor in moved)
        number = sum(map(bool, steps))
        epoch = f"One epoch moved {len(moved)} tensors in {number} stage{'s' * (number != 1)}, {statistics} of them running statistics."
    figure.description = (
        f"{sum(learns):,} of {sum(learns) + sum(frozen):,} parameters learn, in {sum(map(bool, learns))} of {len(names)} stages; "
        f"batch normalisation ({layers} layers) {those}. Parameters, stage by stage: {each}. {epoch}"
    )
    return figure
