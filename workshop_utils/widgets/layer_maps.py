"""What does a layer see? Its feature maps, for any layer and any picture of a set."""

from torch import nn

from workshop_utils import explain, models
from workshop_utils.data import ImageDataset
from workshop_utils.data.dataset import image_dataset
from workshop_utils.figure import Figure, drawable, mosaic, number
from workshop_utils.models.modes import copied
from workshop_utils.widgets.panel import Panel, choice, slider

MAPS_AT_MOST = 32


def feature_maps(net: nn.Module, dataset: ImageDataset) -> Panel:
    """The maps of any layer for any picture of a set, of a copy of the net: what happens to it later changes nothing here."""
    dataset, net = image_dataset(dataset), copied(net)
    channels, height, width = explain.read_by(net, dataset).shape
    rows = [row for row in models.summary(net, (channels, height, width)) if len(row.output) == 3]
    layers: dict[str, tuple[str, int]] = {}
    for row in rows:
        run = sum(name == row.name for name, _ in layers.values())  # of those that give maps
        maps, height, width = row.output
        layers[f"{row.label}: {row.kind}, {maps} maps of {height} x {width}"] = row.name, run
    if not layers:
        raise ValueError("No layer of this net gives maps of height and width.")
    first = next((label for label in layers if "Conv2d" in label), next(iter(layers)))
    choices = choice("layer", tuple(layers), value=first)
    controls = {"picture": slider("picture", 0, 0, len(dataset) - 1), "layer": choices}

    def draw(picture: int, layer: str) -> Figure:
        name, run = layers[layer]
        return maps_figure(net, dataset, picture=picture, layer=name, run=run)

    return Panel("What a layer sees", draw, controls)


def maps_figure(
    net: nn.Module, dataset: ImageDataset, *, picture: int, layer: str, run: int = 0
) -> Figure:
    """A picture beside up to 32 maps of one layer, each drawn from its lowest (black) to its highest value (white)."""
    maps = explain.feature_maps(net, explain.read_by(net, dataset, picture), layer, run=run)
    image, label = dataset[picture]
    name, size = dataset.classes[label], f"{maps.shape[1]} x {maps.shape[2]}"
    figure = Figure(f"The maps of layer {layer}", (11, 3.6))
    left, right = figure.subplots(1, 2, width_ratios=(1, 3))
    left.imshow(drawable(image), interpolation="nearest")
    left.set_title(f"picture of '{name}', {image.shape[1]} x {image.shape[2]} pixels")
    shown = list(maps[:MAPS_AT_MOST])
    right.imshow(mosaic(shown, 8 if len(maps) > 6 else len(maps)), interpolation="nearest")
    many = f"{len(maps)} maps" if len(shown) == len(maps) else f"{len(shown)} of {len(maps)} maps"
    right.set_title(f"{many} of {size}, each from its lowest (black) to its highest value (white)")
    for axes in (left, right):
        axes.axis("off")
    strongest = int(maps.flatten(1).max(1).values.argmax())
    below = f"{float((maps <= 0).float().mean()):.0%} of all values are zero or below"
    made = f"Layer {layer} turns the picture ({name}) into {len(maps)} maps of {size} values"
    highest = f"Map {strongest} has the largest value, {number(float(maps.max()))}"
    figure.description = f"{made}. {below}. {highest}."
    return figure
