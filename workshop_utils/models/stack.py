"""Nets described by a line of words: "conv3 16, pool, dense 64"."""

import math
import re
from collections.abc import Callable

from torch import nn

BLOCK = re.compile(r"conv([1357]) (\d{1,4})( same)?|(pool)|dense (\d{1,4})")
BLOCKS_AT_MOST = 30


def stacked(
    blocks: str,
    *,
    classes: int,
    input_shape: tuple[int, int, int],
    activation: Callable[[], nn.Module] = nn.ReLU,
    dropout: float = 0,
) -> nn.Sequential:
    """A net of the named blocks, in order, and a linear head: (B, *input_shape) float32 -> (B, classes) logits.

    blocks: "conv3 16" is a 3x3 convolution to 16 channels with the activation (sizes 1, 3, 5, 7; "conv3 16 same" keeps
    height and width), "pool" halves height and width, "dense 64" is a linear layer with the activation. input_shape:
    (channels, height, width). dropout: the share that is switched off before each dense layer and the head, as in AlexNet.
    Raises ValueError, naming the block, where it cannot be read or the shape collapses.
    """
    words = [block.strip().lower() for block in blocks.split(",") if block.strip()]
    if len(words) > BLOCKS_AT_MOST:
        raise ValueError(
            f"{len(words)} blocks are more than the {BLOCKS_AT_MOST} that can be stacked here."
        )
    layers: list[nn.Module] = []
    dropped = [nn.Dropout(dropout)] if dropout else []  # one module for all: it has no state
    shape: tuple[int, ...] = input_shape  # of maps; of a flat vector after the first dense block
    for number, word in enumerate(words, 1):
        block, match = f"Block {number}, '{word}',", BLOCK.fullmatch(word)
        if not match:
            raise ValueError(
                f"{block} is none of: conv3 16, conv3 16 same, conv5 16, pool, dense 64."
            )
        kernel, maps, same, pool, units = match.groups()
        outputs, side = int(maps or units or 1), int(kernel or 2)
        if not outputs:
            raise ValueError(f"{block} has no outputs: give it one or more.")
        if units:
            layers += [*_flat(shape), *dropped, nn.Linear(math.prod(shape), outputs), activation()]
            shape = (outputs,)
            continue
        if len(shape) == 1:
            raise ValueError(
                f"{block} needs height and width, but the dense block before it has flattened them. Put it before."
            )
        channels, height, width = shape
        if min(height, width) < side and not same:
            raise ValueError(
                f"{block} does not fit: the maps before it are only {height} x {width}. Take a pool away, or use same."
            )
        if pool:
            layers.append(nn.MaxPool2d(2))
            shape = channels, height // 2, width // 2
        else:
            border, lost = (side // 2, 0) if same else (0, side - 1)
            layers += [nn.Conv2d(channels, outputs, side, padding=border), activation()]
            shape = outputs, height - lost, width - lost
    return nn.Sequential(*layers, *_flat(shape), *dropped, nn.Linear(math.prod(shape), classes))


def _flat(shape: tuple[int, ...]) -> list[nn.Module]:
    return [nn.Flatten()] if len(shape) > 1 else []
