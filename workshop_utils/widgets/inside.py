"""What does a layer see, and where does the net look? Feature maps by layer, and Grad-CAM by class."""

from functools import lru_cache

import ipywidgets
from torch import Tensor, nn

from workshop_utils import device as devices
from workshop_utils import explain, models
from workshop_utils.data import Batches, ImageDataset
from workshop_utils.figure import Figure, drawable, mosaic, number
from workshop_utils.models.modes import evaluating
from workshop_utils.widgets.panel import WIDE, Panel

MAPS_AT_MOST = 32


def feature_maps(net: nn.Module, dataset: ImageDataset) -> Panel:
    """The maps of any layer for any picture of a set."""
    shape = tuple(_read_by(net, dataset, 0).shape)
    layers = {
        f"{row.name}: {row.kind}, {' x '.join(map(str, row.output))}": row.name
        for row in models.summary(net, shape)
        if len(row.output) == 3
    }
    first = next((label for label in layers if "Conv2d" in label), next(iter(layers)))
    return Panel(
        "What a layer sees",
        lambda picture, layer: feature_maps_figure(
            net, dataset, picture=picture, layer=layers[layer]
        ),
        {
            "picture": ipywidgets.IntSlider(
                0, min=0, max=len(dataset) - 1, description="picture", **WIDE
            ),
            "layer": ipywidgets.Dropdown(
                options=tuple(layers), value=first, description="layer", **WIDE
            ),
        },
    )


def feature_maps_figure(
    net: nn.Module, dataset: ImageDataset, *, picture: int, layer: str
) -> Figure:
    """A picture beside up to 32 maps of one layer, each drawn from its lowest (black) to its highest value (white)."""
    maps = explain.feature_maps(net, _read_by(net, dataset, picture), layer)
    image, label = dataset[picture]
    figure = Figure(f"The maps of layer {layer}", (11, 3.6))
    left, right = figure.subplots(1, 2, width_ratios=(1, 3))
    left.imshow(drawable(image), interpolation="nearest")
    left.set_title(f"{dataset.classes[label]}, {' x '.join(map(str, image.shape))}")
    right.imshow(
        mosaic(list(maps[:MAPS_AT_MOST]), 8 if len(maps) > 6 else len(maps)),
        interpolation="nearest",
    )
    right.set_title(
        f"{min(len(maps), MAPS_AT_MOST)} of {len(maps)} maps, each {maps.shape[1]} x {maps.shape[2]}"
    )
    for axes in (left, right):
        axes.axis("off")
    strongest = int(maps.flatten(1).max(1).values.argmax())
    figure.description = (
        f"Layer {layer} turns the picture ({dataset.classes[label]}) into {len(maps)} maps of {maps.shape[1]} x {maps.shape[2]} values. "
        f"{float((maps <= 0).float().mean()):.0%} of all values are zero or below. Map {strongest} has the largest value, {number(float(maps.max()))}."
    )
    return figure


def grad_cam(net: nn.Module, dataset: ImageDataset, classes: list[str] | tuple[str, ...]) -> Panel:
    """Where the net looks for any class, over any picture of a set. classes: the net's, in the order of its scores."""

    @lru_cache(maxsize=64)
    def looked(picture: int, target: int | None) -> tuple[Tensor, int, Tensor]:
        """(Grad-CAM (H, W), target, probabilities (K,)) of one picture; target None: the most probable class."""
        ready = _read_by(net, dataset, picture)
        with evaluating(net):
            probabilities = net(ready.unsqueeze(0)).softmax(1)[0].cpu()
        target = int(probabilities.argmax()) if target is None else target
        return explain.grad_cam(net, ready, target, layer=layer), target, probabilities

    layer = explain.last_layer_with_maps(net, _read_by(net, dataset, 0))
    said = {
        "what the net says": None,
        **{f"{place}: {name}": place for place, name in enumerate(classes)},
    }  # two of ImageNet's classes have one name
    return Panel(
        "Where the net looks",
        lambda picture, target, opacity: grad_cam_figure(
            dataset,
            classes,
            *looked(picture, said[target]),
            picture=picture,
            opacity=opacity,
            seen=_seen(net),
        ),
        {
            "picture": ipywidgets.IntSlider(
                0, min=0, max=len(dataset) - 1, description="picture", **WIDE
            ),
            "target": ipywidgets.Dropdown(options=tuple(said), description="looks for", **WIDE),
            "opacity": ipywidgets.FloatSlider(
                0.5, min=0, max=1, step=0.1, description="opacity", **WIDE
            ),
        },
    )


def grad_cam_figure(
    dataset: ImageDataset,
    classes,
    heat: Tensor,
    target: int,
    probabilities: Tensor,
    *,
    picture: int,
    opacity: float,
    seen: float,
) -> Figure:
    """The picture, and the picture under its heat, yellow where the score of the class comes from; seen: the part of each side that the net read."""
    image, label = dataset[picture]
    figure = Figure(f"Where the net looks for '{classes[target]}'", (9, 4.2))
    left, right = figure.subplots(1, 2)
    left.imshow(drawable(image))
    left.set_title(f"{dataset.classes[label]}")
    right.imshow(drawable(image), extent=(0, 1, 1, 0))
    margin = (1 - seen) / 2
    right.imshow(
        heat.numpy(),
        cmap="inferno",
        alpha=opacity,
        extent=(margin, 1 - margin, 1 - margin, margin),
        vmin=0,
        vmax=1,
    )
    right.set(xlim=(0, 1), ylim=(1, 0), title=f"'{classes[target]}', {probabilities[target]:.1%}")
    for axes in (left, right):
        axes.set(xticks=[], yticks=[])
    best = ", ".join(
        f"{classes[place]} {probabilities[place]:.1%}"
        for place in probabilities.topk(min(3, len(probabilities))).indices
    )
    if not heat.any():
        where = "nothing in the picture speaks for it"
    else:
        row, column = divmod(int(heat.argmax()), heat.shape[1])
        where = (
            f"it looks most at the {('upper', 'middle', 'lower')[3 * row // heat.shape[0]]} {('left', 'centre', 'right')[3 * column // heat.shape[1]]}, "
            f"and {float((heat > 0.5).float().mean()):.0%} of the picture counts at least half as much"
        )
    figure.description = f"A picture of {dataset.classes[label]}. For '{classes[target]}' {where}. The net says: {best}."
    return figure


def _seen(net: nn.Module) -> float:
    """The part of each side of a square picture that reaches the net: a preprocessing scales, and cuts out the middle."""
    preprocess = getattr(net, "preprocess", None)
    return preprocess.crop / preprocess.resize if hasattr(preprocess, "crop") else 1.0


def _read_by(net: nn.Module, dataset: ImageDataset, number: int) -> Tensor:
    """One picture of a set as the net reads it, (C, H, W) float32, on the net's device."""
    images, _ = next(
        iter(
            Batches(
                dataset.subset([number]),
                1,
                preprocess=getattr(net, "preprocess", None),
                device=devices.of(net),
            )
        )
    )
    return images[0]
