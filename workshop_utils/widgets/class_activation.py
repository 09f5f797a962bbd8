"""Where does the net look? Grad-CAM for any class, over any picture of a set."""

from functools import lru_cache

import ipywidgets
from torch import Tensor, nn

from workshop_utils import explain
from workshop_utils.data import ImageDataset
from workshop_utils.data.dataset import image_dataset
from workshop_utils.figure import Figure, drawable
from workshop_utils.models.modes import copied
from workshop_utils.models.preprocess import Preprocessing
from workshop_utils.widgets.panel import Panel, choice, slider, wide


def grad_cam(net: nn.Module, dataset: ImageDataset, classes: list[str] | tuple[str, ...]) -> Panel:
    """Where the net looks for any class, over any picture of a set. classes: the net's, in the order of its scores.

    It keeps a copy of the net: what happens to it later changes nothing here.
    """
    dataset = image_dataset(dataset)
    net = copied(net).requires_grad_(False)  # Grad-CAM asks for gradients of its maps alone
    layer, seen = explain.last_layer_with_maps(net, explain.read_by(net, dataset)), 1.0
    if isinstance(prepare := getattr(net, "preprocess", None), Preprocessing):
        seen = prepare.crop / prepare.resize  # it scales, and cuts out the middle
    # names repeat, and come first so that typing one finds it
    numbers = {f"{name} ({number})": number for number, name in enumerate(classes)}

    @lru_cache(maxsize=64)
    def looked(picture: int, target: int | None) -> tuple[Tensor, int, Tensor]:
        """(Grad-CAM (H, W), target, probabilities (K,)) of one picture; target None: the most probable class."""
        ready = explain.read_by(net, dataset, picture)
        heat, scores = explain.heat_and_scores(net, ready, target, layer=layer)
        if len(scores) != len(classes):
            raise ValueError(
                f"The net answers with {len(scores)} scores, and {len(classes)} classes are named. Name them all, in the order of the scores."
            )
        target = int(scores.argmax()) if target is None else target
        return heat, target, scores.softmax(0).cpu()

    def draw(picture: int, target: str, opacity: float) -> Figure:
        found = looked(picture, numbers.get(target))
        return heat_figure(dataset, classes, *found, picture=picture, opacity=opacity, seen=seen)

    controls = {
        "picture": slider("picture", 0, 0, len(dataset) - 1),
        "target": choice("looks for", ("what the net says", *numbers)),
        "opacity": wide(ipywidgets.FloatSlider, "opacity", value=0.5, min=0, max=1, step=0.1),
    }
    return Panel("Where the net looks", draw, controls, steady=True)


def heat_figure(
    dataset: ImageDataset,
    classes: list[str] | tuple[str, ...],
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
    left.set_title(dataset.classes[label])
    right.imshow(drawable(image), extent=(0, 1, 1, 0))
    near, far = (1 - seen) / 2, (1 + seen) / 2
    place = {"extent": (near, far, far, near), "vmin": 0, "vmax": 1}
    right.imshow(heat.numpy(), cmap="inferno", alpha=opacity, **place)
    right.set(xlim=(0, 1), ylim=(1, 0), title=f"'{classes[target]}', {probabilities[target]:.1%}")
    for axes in (left, right):
        axes.set(xticks=[], yticks=[])
    order = probabilities.topk(min(3, len(probabilities))).indices
    best = ", ".join(f"{classes[number]} {probabilities[number]:.1%}" for number in order)
    where = "nothing in the picture speaks for it"
    if heat.any():
        height, width = heat.shape
        row, column = divmod(int(heat.argmax()), width)
        part = f"{('upper', 'middle', 'lower')[3 * row // height]} {('left', 'centre', 'right')[3 * column // width]}"
        half = f"{float((heat > 0.5).float().mean()):.0%}"
        where = f"it looks most at the {part}; {half} of what it read counts at least half as much as that"
    figure.description = f"A picture of {dataset.classes[label]}. For '{classes[target]}' {where}. The net says: {best}."
    if seen < 1:
        figure.description += f" The frame around the heat was cut off before the net: it read the middle {seen:.0%} of each side."
    return figure
