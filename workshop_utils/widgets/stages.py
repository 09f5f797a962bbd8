"""What learns, and what moved all the same? Choose the stages that train, train one epoch, and compare."""

import copy

import ipywidgets
from torch import nn

from workshop_utils import training, transfer
from workshop_utils.data import ImageDataset
from workshop_utils.figure import COLOURS, Figure
from workshop_utils.models.modes import BatchNorm
from workshop_utils.widgets.panel import WIDE, Panel, button


def freezing(net: nn.Module, dataset: ImageDataset) -> Panel:
    """A switch for how many stages learn, counted from the head, and a button that trains a copy of the net for one epoch."""
    names = stages(net)
    moved: dict[tuple, list[str]] = {}

    def epoch() -> None:
        state = panel.state
        moved[tuple(state.items())] = changed_in_an_epoch(net, dataset, **state)

    panel = Panel(
        "What learns, and what moved",
        lambda **state: freezing_figure(net, moved.get(tuple(state.items())), **state),
        {
            "learning": ipywidgets.IntSlider(
                1, min=0, max=len(names), description="stages that learn", **WIDE
            ),
            "batchnorm": ipywidgets.Checkbox(
                False, description="batch normalisation learns too", indent=False
            ),
        },
        above=[
            button(
                "Train one epoch and compare",
                lambda: panel.act(epoch, doing="Training one epoch ..."),
            )
        ],
    )
    return panel


def stages(net: nn.Module) -> list[str]:
    """The beginnings of parameter names, from the input to the head: one for each part of the net at the top that has parameters."""
    names: list[str] = []
    for name, part in net.named_children():
        if list(part.parameters()):
            names += (
                [f"{name}.{child}" for child, _ in part.named_children()]
                if isinstance(part, nn.Sequential)
                else [name]
            )
    return names


def chosen(net: nn.Module, *, learning: int, batchnorm: bool) -> nn.Module:
    """A copy of the net in which the last `learning` stages learn and everything else is frozen."""
    net = transfer.freeze(copy.deepcopy(net), keep_head=False)
    names = stages(net)
    return (
        transfer.unfreeze(net, *names[len(names) - learning :], batchnorm=batchnorm)
        if learning
        else net
    )


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
    within = {
        name: [p for full, p in net.named_parameters() if f"{full}.".startswith(f"{name}.")]
        for name in names
    }
    learns = [sum(p.numel() for p in within[name] if p.requires_grad) for name in names]
    frozen = [sum(p.numel() for p in within[name] if not p.requires_grad) for name in names]
    figure = Figure("What learns, and what moved", (10, 0.42 * len(names) + 1.2))
    axes = figure.subplots()
    axes.barh(names, frozen, color=COLOURS[5], label="frozen")
    axes.barh(
        names, learns, left=frozen, color=COLOURS[1], hatch="//", edgecolor="white", label="learns"
    )
    counted = {
        name: [tensor for tensor in moved or [] if f"{tensor}.".startswith(f"{name}.")]
        for name in names
    }
    for place, name in enumerate(names):
        said = f"{learns[place]:,} learn" + (
            f"; {len(counted[name])} tensors moved" if moved is not None else ""
        )
        axes.annotate(
            said,
            (learns[place] + frozen[place], place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
    axes.invert_yaxis()
    axes.set_xlabel("parameters")
    axes.set_xlim(0, 1.5 * max(sum(pair) for pair in zip(learns, frozen)))
    axes.legend(frameon=False, loc="upper right")
    layers = [part for part in net.modules() if isinstance(part, BatchNorm)]
    figure.description = (
        f"{sum(learns):,} of {sum(learns) + sum(frozen):,} parameters learn, in {sum(map(bool, learns))} of {len(names)} stages; "
        f"batch normalisation ({len(layers)} layers) {'learns where its stage does' if batchnorm else 'is frozen everywhere'}. "
        f"Parameters, stage by stage: {'; '.join(f'{name}: {one + other:,}' for name, one, other in zip(names, learns, frozen))}. "
    )
    if moved is None:
        figure.description += "Nothing was trained yet with these settings."
    else:
        statistics = sum("running_" in tensor for tensor in moved)
        figure.description += f"One epoch moved {len(moved)} tensors in {sum(map(bool, counted.values()))} stages, {statistics} of them running statistics."
    return figure
