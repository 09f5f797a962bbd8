"""Can it learn your things? Two classes or more from camera, files or a folder; a head on frozen features; then a new picture."""

from base64 import b64decode
from pathlib import Path
from typing import Callable

import ipywidgets
import torch
import traitlets
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as transforms

from workshop_utils import plots, transfer
from workshop_utils.data import ImageDataset
from workshop_utils.data.pictures import decode, picture_files
from workshop_utils.drawing import Figure, mosaic
from workshop_utils.models.modes import evaluating
from workshop_utils.widgets.panel import WIDE, Panel, button, scripted

SIDE = 224
FILE_AT_MOST, PICTURES_AT_MOST = 20_000_000, 500
ASK = "classify it"


class Collection:
    """Pictures by class, the head that was trained on them, and the last picture that was asked about."""

    def __init__(self, net: nn.Module, examples: ImageDataset | None = None):
        self.net, self.pictures, self.head, self.asked = net, {}, None, None
        for picture, label in examples or ():
            self.pictures.setdefault(examples.classes[label], []).append(picture)

    def add(self, files: dict[str, list[bytes]]) -> None:
        """Adds picture files, by class. Raises ValueError, and adds none, if one of them cannot be read or there are too many."""
        if sum(map(len, [*self.pictures.values(), *files.values()])) > PICTURES_AT_MOST:
            raise ValueError(f"{PICTURES_AT_MOST} pictures are the limit here. For more, data.from_folder is the way.")
        found = {name: readable(*raw) for name, raw in files.items()}
        for name, pictures in found.items():
            self.pictures.setdefault(name, []).extend(pictures)
        self.head = None

    def train(self) -> None:
        """Features of every picture, once, and a linear head on them. Raises ValueError for fewer than two classes."""
        dataset = self.dataset()
        self.head = transfer.fit_head(transfer.features(self.net, dataset), dataset.labels, classes=len(dataset.classes), strength=0.1)

    def ask(self, *files: bytes) -> None:
        """Keeps a picture to be classified."""
        self.asked = readable(*files)[-1]

    def dataset(self) -> ImageDataset:
        """All pictures as a data set of 224 x 224 pixels. Raises ValueError for fewer than two classes."""
        if len(self.pictures) < 2:
            raise ValueError(f"A classifier needs pictures of two classes or more; there {'are none' if not self.pictures else 'is one class'} yet.")
        found = [(picture, label) for label, pictures in enumerate(self.pictures.values()) for picture in pictures]
        images = torch.stack([_square(picture) for picture, _ in found])
        return ImageDataset(images, torch.tensor([label for _, label in found]), tuple(self.pictures), name="your pictures")

    def answer(self) -> Tensor:
        """(K,) probabilities for the picture that was asked about. Raises ValueError before training."""
        if self.head is None:
            raise ValueError("Press 'Train' first: there is no head for these classes yet.")
        features = transfer.features(self.net, ImageDataset(_square(self.asked)[None], torch.tensor([0]), ("asked",), name="asked"))
        with evaluating(self.head):
            return self.head(features)[0].softmax(0)


def own_pictures(net: nn.Module, examples: ImageDataset | None = None) -> Panel:
    """Collects pictures of your classes, trains a head, and classifies a new picture. `panel.collection` has head and pictures.

    net: a pretrained net with its preprocessing. examples: pictures to begin with, for those who have no camera at hand.
    """
    collection = Collection(net, examples)
    names = list(collection.pictures) or ["first", "second"]
    name = ipywidgets.Text(names[0], description="new pictures are", **WIDE)
    use = ipywidgets.ToggleButtons(options=("a class to learn", ASK), description="use them to", style={"button_width": "auto"})
    files = ipywidgets.FileUpload(accept="image/*", multiple=True, description="Choose files")
    folder = ipywidgets.Text(description="or a folder", placeholder="path of a folder or zip", **WIDE)
    camera = scripted("camera.js", photo=traitlets.Unicode())

    def take(*raw: bytes) -> None:
        if not raw:
            return
        if use.value == ASK:
            collection.ask(*raw)
        else:
            collection.add({name.value.strip() or "unnamed": list(raw)})

    def take_folder() -> None:
        if not folder.value.strip():
            raise ValueError("Type the path of a folder or a zip first.")
        found: dict[str, list[bytes]] = {}
        for path, read in picture_files(Path(folder.value).expanduser()).items():
            found.setdefault(path.parts[0] if len(path.parts) > 1 else name.value.strip() or "unnamed", []).append(read())
        collection.add(found)

    panel = Panel("Your own classifier", lambda **_: own_figure(collection), {"name": name, "use": use}, above=[
        ipywidgets.HBox([files, folder, button("Take the folder", lambda: panel.act(take_folder, doing="Reading ...")),
                         button("Train", lambda: panel.act(collection.train, doing="Features ..."), button_style="primary")], layout=ipywidgets.Layout(flex_flow="row wrap")),
        *([camera] if camera else [])])
    panel.collection = collection
    _each_time(files, "value", lambda value: panel.act(lambda: take(*uploaded(value))))
    if camera:
        _each_time(camera, "photo", lambda text: panel.act(lambda: take(from_camera(text))))
    return panel


def _each_time(widget: ipywidgets.Widget, name: str, action: Callable) -> None:
    """Calls action with what the browser put there, then empties it: the same file twice is two events."""
    def react(change: dict) -> None:
        if change["new"]:
            action(change["new"])
            widget.set_trait(name, type(change["new"])())

    widget.observe(react, names=name)


def own_figure(collection: Collection) -> Figure:
    """Up to eight pictures of each class; once trained and asked, the new picture with the probabilities of the classes."""
    if collection.asked is not None and collection.head is not None:
        probabilities, classes = collection.answer(), tuple(collection.pictures)
        figure = plots.top_k(collection.asked, probabilities, classes, min(5, len(classes)))
        best = int(probabilities.argmax())
        figure.description = f"It says '{classes[best]}' with {probabilities[best]:.1%}. It can say nothing but: {', '.join(classes)}."
        return figure
    pictures = collection.pictures
    figure = Figure("Your pictures", (10, max(1.0, 1.5 * len(pictures))))
    for axes, (name, found) in zip(figure.subplots(max(len(pictures), 1), 1, squeeze=False).flat, pictures.items()):
        axes.axis("off")
        axes.imshow(mosaic([_square(picture, 96) for picture in found[:8]] + [torch.full((3, 96, 96), 255, dtype=torch.uint8)] * (8 - len(found)), 8))
        axes.set_title(f"{name}: {len(found)}", fontsize=12, loc="left")
    if not pictures:
        figure.axes[0].axis("off")
    counts = ", ".join(f"{len(found)} of '{name}'" for name, found in pictures.items()) or "no pictures yet"
    trained = "A head is trained: choose 'classify it' and give it a new picture." if collection.head is not None else \
        "Give two classes a few pictures each, then press 'Train'."
    figure.description = f"There are {counts}. {trained}"
    return figure


def readable(*files: bytes) -> list[Tensor]:
    """Picture files as (3, H, W) uint8. Raises ValueError if one is too large or no picture."""
    for raw in files:
        if len(raw) > FILE_AT_MOST:
            raise ValueError(f"A picture of {len(raw):,} bytes is larger than the {FILE_AT_MOST:,} that are taken here.")
    try:
        return [decode(raw) for raw in files]
    except ValueError as error:
        raise ValueError(f"One of the files {error}. None was taken: give PNG, JPEG, WebP, GIF or BMP pictures.") from None


def uploaded(value: dict | tuple) -> list[bytes]:
    """The files in a FileUpload: ipywidgets 7 keeps them in a dict by name, 8 in a tuple."""
    return [bytes(file["content"]) for file in (value.values() if isinstance(value, dict) else value)]


def from_camera(text: str) -> bytes:
    """A photograph as the browser sends it: a data address with base64. Raises ValueError if it is too long."""
    if len(text) > FILE_AT_MOST:
        raise ValueError("The photograph is too large.")
    return b64decode(text.partition(",")[2])


def _square(picture: Tensor, side: int = SIDE) -> Tensor:
    return transforms.center_crop(transforms.resize(picture, side, antialias=True), [side, side])
