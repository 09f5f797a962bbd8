"""A trained net to take home: one web page that holds the net and a drawing pad, and needs nothing else."""

import base64
import json
from pathlib import Path

import torch
from torch import nn

from workshop_utils import paths
from workshop_utils.data import ImageDataset
from workshop_utils.models.blocks import PadTo

HERE = Path(__file__).parent


def page(net: nn.Sequential, dataset: ImageDataset, path: str | Path = "my-net.html") -> Path:
    """Writes a page that opens by double click, offline and on a phone, and classifies what is drawn on it; returns its path.

    net: convolutions, ReLU, max pooling and dense layers in a row, trained on dataset, 1 x 28 x 28. Raises ValueError, naming
    the layer, for any other.
    """
    layers, numbers = [], []
    for layer in net if isinstance(net, nn.Sequential) else [net]:
        described = _described(layer, sum(map(len, numbers)))
        if described:
            layers.append(described)
        numbers += [parameter.detach().cpu().float().flatten() for parameter in layer.parameters()]
    weights = torch.cat(numbers).numpy().astype("<f4").tobytes()
    content = {
        "classes": dataset.classes,
        "mean": float(dataset.mean),
        "std": float(dataset.std),
        "layers": layers,
        "weights": base64.b64encode(weights).decode(),
    }
    pad = (
        (HERE / "widgets" / "pad.js")
        .read_text("utf-8")
        .replace("export default", "const drawingPad =")
    )
    text = (
        (HERE / "takehome.html")
        .read_text("utf-8")
        .replace("__PAD__", pad)
        .replace("__NET__", json.dumps(content).replace("<", "\\u003c"))
    )
    paths.write(Path(path), text.encode())
    return Path(path)


def _described(layer: nn.Module, start: int) -> dict | None:
    """What the page has to know of a layer whose numbers begin at `start`; None for one that does nothing when a net is used."""
    match layer:
        case nn.Dropout() | nn.Flatten() | nn.Identity():
            return None
        case nn.ReLU():
            return {"kind": "relu"}
        case PadTo(side=side):
            return {"kind": "pad", "side": side}
        case nn.MaxPool2d(kernel_size=int(side), stride=stride, padding=0, ceil_mode=False) if (
            stride == side
        ):
            return {"kind": "pool", "side": side}
        case nn.Conv2d(
            kernel_size=(high, wide),
            stride=(1, 1),
            groups=1,
            dilation=(1, 1),
            padding=(border, other),
        ) if high == wide and border == other and layer.bias is not None:
            return {
                "kind": "convolution",
                "maps": layer.out_channels,
                "kernel": high,
                "border": border,
                "from": start,
            }
        case nn.Linear() if layer.bias is not None:
            return {"kind": "dense", "outputs": layer.out_features, "from": start}
    raise ValueError(
        f"The page can hold convolutions, ReLU, max pooling and dense layers in a row; this net has a {type(layer).__name__} that is "
        "none of them. LeNet and every net of widgets.architecture work."
    )
