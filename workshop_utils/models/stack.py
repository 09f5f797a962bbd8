"""Nets described by a line of words, "conv3 16, pool, dense 64", and the plain PyTorch code of each."""

import inspect
import math
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from workshop_utils.errors import sides, whole

BLOCK = re.compile(
    r"conv([1357]) (\d+)( same)?|(dense|res|inception) (\d+)|pool|bn|average|dropout"
)
WORDS = (
    "conv3 16, conv3 16 same, conv5 16, pool, dense 64, bn, res 32, inception 32, average, dropout"
)
BLOCKS_AT_MOST, OUTPUTS_AT_MOST = 30, 9_999
Layer = tuple[nn.Module, str]  # and its code


class ResBlock(nn.Module):
    """Two 3x3 convolutions with a way around them, as in ResNet; a 1x1 convolution matches the channels."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(),
            nn.Conv2d(c_out, c_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(c_out),
        )
        self.around = nn.Conv2d(c_in, c_out, 1, bias=False) if c_in != c_out else nn.Identity()

    def forward(self, x):
        return torch.relu(self.body(x) + self.around(x))


class Inception(nn.Module):
    """1x1, 3x3 and 5x5 convolutions and a pooling side by side, as in GoogLeNet; a quarter of the maps from each."""

    def __init__(self, c_in, c_out):
        super().__init__()
        part, narrow = c_out // 4, max(2, c_out // 8)

        def conv(c_in, c_out, kernel):
            weights = nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, bias=False)
            return nn.Sequential(weights, nn.BatchNorm2d(c_out), nn.ReLU())

        self.branches = nn.ModuleList(
            [
                conv(c_in, part, 1),
                nn.Sequential(conv(c_in, narrow, 1), conv(narrow, part, 3)),
                nn.Sequential(conv(c_in, narrow, 1), conv(narrow, part, 5)),
                nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv(c_in, part, 1)),
            ]
        )

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], dim=1)


OWN = {"res": ResBlock, "inception": Inception}


def stacked(
    blocks: str,
    *,
    classes: int,
    input_shape: tuple[int, int, int],
    activation: Callable[[], nn.Module] = nn.ReLU,
    dropout: float = 0,
) -> nn.Sequential:
    """A net of the named blocks, in order, and a linear head: (B, *input_shape) float32 -> (B, classes) logits. Its `.code` makes the same net without this package.

    blocks: "conv3 16" is a 3x3 convolution to 16 channels with the activation (sizes 1, 3, 5, 7; "conv3 16 same" keeps
    height and width), "pool" halves height and width, "dense 64" is a linear layer with the activation. "bn" is batch normalisation,
    before the activation of the block that it follows; "res 32" and "inception 32" are blocks of ResNet and GoogLeNet; "average"
    leaves one number a map; "dropout" switches half of the values off. input_shape: (channels, height, width). dropout: a share
    that is switched off before each dense layer and the head, as in AlexNet.
    Raises ValueError, naming the block, where it cannot be read or the shape collapses.
    """
    classes = whole(classes, "classes", least=2)
    words = [block.strip().lower() for block in blocks.split(",") if block.strip()]
    if len(words) > BLOCKS_AT_MOST:
        raise ValueError(
            f"{len(words)} blocks are more than the {BLOCKS_AT_MOST} that can be stacked here."
        )
    layers: list[Layer] = []
    # of maps; of a flat vector after the first dense block
    shape: tuple[int, ...] = sides(input_shape)
    for number, word in enumerate(words, 1):
        block = f"Block {number}, '{word}',"
        kind, kernel, outputs, same = _understood(block, word)
        if kind == "dense":
            layers += [*_dense(shape, outputs, dropout), _activation(activation)]
            shape = (outputs,)
        elif kind == "bn":
            normal = _layer(nn.BatchNorm1d if len(shape) == 1 else nn.BatchNorm2d, shape[0])
            activated = number > 1 and words[number - 2].startswith(("conv", "dense"))
            layers.insert(len(layers) - activated, normal)
        elif kind == "dropout":
            layers.append(_layer(nn.Dropout, 0.5))
        else:
            channels, height, width = _maps(block, shape, 1 if same else kernel)
            if kind == "pool":
                layers.append(_layer(nn.MaxPool2d, 2))
                shape = channels, height // 2, width // 2
            elif kind == "average":
                layers.append(_layer(nn.AdaptiveAvgPool2d, 1))
                shape = channels, 1, 1
            elif kind in OWN:
                layers.append(_layer(OWN[kind], channels, outputs))
                shape = outputs, height, width
            else:
                border, lost = ({"padding": kernel // 2}, 0) if same else ({}, kernel - 1)
                convolution = _layer(nn.Conv2d, channels, outputs, kernel, **border)
                layers += [convolution, _activation(activation)]
                shape = outputs, height - lost, width - lost
    layers += _dense(shape, classes, dropout)
    net = nn.Sequential(*(layer for layer, _ in layers))
    vars(net)["code"] = _code(layers)
    return net


def _understood(block: str, word: str) -> tuple[str, int, int, bool]:
    """A block as its kind, the side of its kernel, its outputs, and whether it keeps height and width. Raises ValueError if it is none."""
    match = BLOCK.fullmatch(word)
    if not match:
        raise ValueError(f"{block} is none of: {WORDS}. A ReLU comes with each conv and dense.")
    kernel, maps, same, kind, units = match.groups()
    outputs = int(maps or units or 1)
    if not outputs:
        raise ValueError(f"{block} has no outputs: give it one or more.")
    if outputs > OUTPUTS_AT_MOST:
        raise ValueError(
            f"{block} has {outputs:,} outputs, which are too many: give it {OUTPUTS_AT_MOST:,} or fewer."
        )
    if kind == "inception" and outputs % 4:
        raise ValueError(f"{block} has four equal parts: give it a multiple of 4, such as 32.")
    kind = kind or ("conv" if kernel else word)
    return kind, int(kernel or (2 if kind == "pool" else 1)), outputs, bool(same)


def _maps(block: str, shape: tuple[int, ...], side: int) -> tuple[int, ...]:
    """The shape, if it is that of maps with room for a kernel of this side. Raises ValueError if it is not."""
    if len(shape) == 1:
        raise ValueError(
            f"{block} needs height and width, but the dense block before it has flattened them. Put it before."
        )
    if min(shape[1:]) < side:
        raise ValueError(
            f"{block} does not fit: the maps before it are only {shape[1]} x {shape[2]}. Take a pool away, or use same."
        )
    return shape


def _layer(kind: Callable[..., nn.Module], *sizes: float, **options: Any) -> Layer:
    said = [*map(str, sizes), *(f"{name}={value}" for name, value in options.items())]
    package = "" if kind in OWN.values() else "nn."
    return kind(*sizes, **options), f"{package}{kind.__name__}({', '.join(said)})"


def _activation(make: Callable[[], nn.Module]) -> Layer:
    try:
        made = make()
    except TypeError:  # a layer that is made already, a function, or text
        made = None
    if not isinstance(made, nn.Module):
        raise ValueError(
            f"activation is a class of layers, without brackets, such as nn.GELU; this is {make!r}."
        )
    return made, f"nn.{made}"


def _dense(shape: tuple[int, ...], outputs: int, dropout: float) -> list[Layer]:
    flat = [_layer(nn.Flatten)] if len(shape) > 1 else []
    dropped = [_layer(nn.Dropout, dropout)] if dropout else []
    return [*flat, *dropped, _layer(nn.Linear, math.prod(shape), outputs)]


def _code(layers: list[Layer]) -> str:
    """What makes the net of these layers in an empty notebook."""
    own = dict.fromkeys(type(layer) for layer, _ in layers if type(layer) in OWN.values())
    imports = ["import torch\nfrom torch import nn\n" if own else "from torch import nn\n"]
    net = "".join(f"    {code},\n" for _, code in layers)
    return "\n\n".join([*imports, *map(inspect.getsource, own), f"net = nn.Sequential(\n{net})\n"])
