"""A trained net to take home: one web page that holds the net and a drawing pad, and needs nothing else."""

import base64
import json
from pathlib import Path

import torch
from torch import nn

from workshop_utils import paths
from workshop_utils.classifier_page import classifier as classifier
from workshop_utils.data import ImageDataset
from workshop_utils.models.blocks import PadTo
from workshop_utils.models.cost import require_fit, summary
from workshop_utils.models.modes import copied

HERE = Path(__file__).parent
KINDS = (nn.Dropout, nn.Dropout2d, nn.Flatten, nn.Identity, nn.ReLU, nn.MaxPool2d, nn.Conv2d)
KNOWN = {kind.forward for kind in (*KINDS, nn.Linear, PadTo)}


def page(net: nn.Sequential, dataset: ImageDataset, path: str | Path = "my-net.html") -> Path:
    """Writes a page that opens by double click, offline and on a phone, and classifies what is drawn on it; returns its path.

    net: convolutions, ReLU, max pooling and dense layers in a row, trained on dataset, 1 x 28 x 28, without a preprocessing of
    its own; the page says so if it comes with the course. Raises ValueError, naming the layer, for any other, and for a net that does not fit the dataset.
    """
    layers, numbers = [], torch.empty(0)
    for layer in _in_a_row(net):
        layers.append(_described(layer, len(numbers)))
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            weights = (one.detach().cpu().float().flatten() for one in (layer.weight, layer.bias))
            numbers = torch.cat([numbers, *weights])
    own = " through a preprocessing of its own" if getattr(net, "preprocess", None) else ""
    if dataset.shape != (1, 28, 28) or own:
        raise ValueError(
            f"The page's pad gives 1 x 28 x 28 pixels; this net reads {' x '.join(map(str, dataset.shape))}{own}. "
            "Train one on MNIST or Fashion-MNIST."
        )
    if not numbers.isfinite().all():
        cure = "Train it anew, with a lower learning rate."
        raise ValueError(f"Some weights of this net are not numbers but NaN or infinite. {cure}")
    net = copied(net).float()  # as the page calculates
    require_fit(net, dataset)
    if any(len(row.output) > 1 for row in summary(net, dataset.shape) if row.kind == "Linear"):
        raise ValueError("A dense layer here reads rows of maps. Put nn.Flatten() before it.")
    content = {
        "ofTheCourse": hasattr(net, "of_the_course"),
        "classes": dataset.classes,
        "mean": float(dataset.mean),
        "std": float(dataset.std),
        "layers": [layer for layer in layers if layer],
        "weights": base64.b64encode(numbers.numpy().astype("<f4").tobytes()).decode(),
    }
    pad, text = ((HERE / name).read_text("utf-8") for name in ("widgets/pad.js", "takehome.html"))
    text = text.replace("__PAD__", pad.replace("export default", "const drawingPad ="))
    text = text.replace("__NET__", json.dumps(content).replace("<", "\\u003c"))
    paths.write(Path(path), text.encode())
    return Path(path)


def _in_a_row(net: nn.Module) -> list[nn.Module]:
    """The layers of a net, also of rows within the row; a layer that is used twice is there twice."""
    if type(net) is not nn.Sequential:
        return [net]
    return [layer for part in net for layer in _in_a_row(part)]


def _described(layer: nn.Module, start: int) -> dict | None:
    """What the page has to know of a layer whose numbers begin at `start`; None for one that does nothing when a net is used."""
    match layer if type(layer).forward in KNOWN else None:  # a class of one's own can do anything
        case nn.Dropout() | nn.Dropout2d() | nn.Flatten() | nn.Identity():
            return None
        case nn.ReLU():
            return {"kind": "relu"}
        case PadTo(side=side):
            return {"kind": "pad", "side": side}
        case nn.MaxPool2d(
            kernel_size=int(side), stride=step, padding=0, dilation=1, ceil_mode=False
        ) if step == side:
            return {"kind": "pool", "side": side}
        case nn.Conv2d(
            kernel_size=(high, wide),
            padding=(border, other),
            stride=(1, 1),
            dilation=(1, 1),
            padding_mode="zeros",
        ) if high == wide and border == other and layer.groups == 1 and layer.bias is not None:
            sizes = {"maps": layer.out_channels, "kernel": high, "border": border}
            return {"kind": "convolution", **sizes, "from": start}
        case nn.Linear(bias=nn.Parameter()):
            return {"kind": "dense", "outputs": layer.out_features, "from": start}
    raise ValueError(
        f"The page can hold convolutions, ReLU, max pooling and dense layers in a row; this net has a {type(layer).__name__} that is "
        "none of them. LeNet works, and every stack of conv, pool, dense and dropout."
    )
