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
    layers, start = [], 0
    for layer in net if isinstance(net, nn.Sequential) else [net]:
        layers.append(_described(layer, start))
        start += sum(parameter.numel() for parameter in layer.parameters())
    numbers = torch.cat([parameter.detach().cpu().flatten() for parameter in net.parameters()])
    content = {
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


def _described(layer: nn.Module, start: int) -> dict | None:
    """What the page has to know of a layer whose numbers begin at `start`; None for one that does nothing when a net is used."""
    match layer:
        case nn.Dropout() | nn.Flatten() | nn.Identity():
            return None
        case nn.ReLU():
            return {"kind": "relu"}
        case PadTo(side=side):
            return {"kind": "pad", "side": side}
        case nn.MaxPool2d(kernel_size=int(side), stride=step, padding=0, ceil_mode=False) if (
            step == side
        ):
            return {"kind": "pool", "side": side}
        case nn.Conv2d(
            kernel_size=(high, wide), padding=(border, other), stride=(1, 1), dilation=(1, 1)
        ) if high == wide and border == other and layer.groups == 1 and layer.bias is not None:
            sizes = {"maps": layer.out_channels, "kernel": high, "border": border}
            return {"kind": "convolution", **sizes, "from": start}
        case nn.Linear(bias=nn.Parameter()):
            return {"kind": "dense", "outputs": layer.out_features, "from": start}
    raise ValueError(
        f"The page can hold convolutions, ReLU, max pooling and dense layers in a row; this net has a {type(layer).__name__} that is "
        "none of them. LeNet and every net of widgets.architecture work."
    )
