"""Nets described by a line of words: "conv3 16, pool, dense 64"."""

import re
from collections.abc import Callable

from torch import nn

BLOCK = re.compile(r"(conv)([1357]) (\d{1,4})( same)?|(pool)|(dense) (\d{1,4})")
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
    channels, height, width = input_shape
    features = 0  # of a flat vector; 0 while there are maps
    for number, word in enumerate(words, 1):
        match = BLOCK.fullmatch(word)
        if not match:
            raise ValueError(
                f"Block {number}, '{word}', is none of: conv3 16, conv3 16 same, conv5 16, pool, dense 64."
            )
        if match[1] or match[5]:
            if features:
                raise ValueError(
                    f"Block {number}, '{word}', needs height and width, but the dense block before it has flattened them. Put it before."
                )
            side = int(match[2]) if match[1] else 2
            if min(height, width) < side and not match[4]:
                raise ValueError(
                    f"Block {number}, '{word}', does not fit: the maps before it are only {height} x {width}. Take a pool away, or use same."
                )
        if match[1]:
            out = _at_least_one(int(match[3]), number, word)
            layers += [
                nn.Conv2d(channels, out, side, padding=side // 2 if match[4] else 0),
                activation(),
            ]
            channels, height, width = (
                out,
                *(edge if match[4] else edge - side + 1 for edge in (height, width)),
            )
        elif match[5]:
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        else:
            layers += [] if features else [nn.Flatten()]
            out = _at_least_one(int(match[7]), number, word)
            layers += [
                *dropped,
                nn.Linear(features or channels * height * width, out),
                activation(),
            ]
            features = out
    layers += [] if features else [nn.Flatten()]
    return nn.Sequential(
        *layers, *dropped, nn.Linear(features or channels * height * width, classes)
    )


def _at_least_one(out: int, number: int, word: str) -> int:
    if out < 1:
        raise ValueError(f"Block {number}, '{word}', has no outputs: give it one or more.")
    return out
