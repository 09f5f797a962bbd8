"""Nets from a line of words: shapes and parameters by hand, and a sentence where it goes wrong."""

import pytest
import torch
from helpers import parameters
from torch import nn

from workshop_utils import models


@pytest.mark.parametrize(
    "blocks, side, expected",
    [
        ("conv5 6, pool, conv5 16, pool, dense 120, dense 84", 32, 61_706),  # LeNet-5
        ("", 28, 784 * 10 + 10),
        ("conv3 8 same", 28, 8 * 10 + 8 * 28 * 28 * 10 + 10),
        ("conv3 8", 28, 8 * 10 + 8 * 26 * 26 * 10 + 10),
        ("pool, pool", 28, 7 * 7 * 10 + 10),
        (" CONV1 2 ,dense 3,, ", 28, 2 * 2 + 2 * 784 * 3 + 3 + 3 * 10 + 10),
    ],
)
def test_parameters_agree_with_arithmetic_by_hand(blocks, side, expected):
    assert parameters(models.stacked(blocks, classes=10, input_shape=(1, side, side))) == expected


@pytest.mark.parametrize(
    "blocks", ["conv3 4, pool, conv3 8 same, pool, dense 16", "pool", "dense 5, dense 4"]
)
def test_net_runs_forward_and_backward(blocks):
    scores = models.stacked(blocks, classes=7, input_shape=(3, 20, 24))(torch.zeros(2, 3, 20, 24))
    scores.sum().backward()
    assert scores.shape == (2, 7)


@pytest.mark.parametrize(
    "blocks, words",
    [
        ("conv3 8, pol", "Block 2, 'pol', is none of"),
        ("conv2 8", "Block 1, 'conv2 8', is none of"),
        ("dense 8, pool", "Block 2, 'pool', needs height and width"),
        ("dense 8, conv3 4", "Block 2, 'conv3 4', needs height"),
        (
            ", ".join(["pool"] * 5),
            "Block 5, 'pool', does not fit: the maps before it are only 1 x 1",
        ),
        ("pool, pool, pool, conv5 3", "only 3 x 3"),
        ("conv3 0", "has no outputs"),
        ("dense 0", "has no outputs"),
        (", ".join(["dense 4"] * 31), "31 blocks are more than the 30"),
    ],
)
def test_mistake_is_answered_with_the_block_and_what_is_wrong(blocks, words):
    with pytest.raises(ValueError, match=words):
        models.stacked(blocks, classes=10, input_shape=(1, 28, 28))


def test_activation_is_exchanged_everywhere_and_dropout_stands_before_each_dense_layer():
    net = models.stacked(
        "conv3 4, pool, dense 5, dense 6",
        classes=2,
        input_shape=(1, 8, 8),
        activation=nn.Tanh,
        dropout=0.25,
    )
    kinds = [type(layer).__name__ for layer in net]
    assert kinds == [
        "Conv2d",
        "Tanh",
        "MaxPool2d",
        "Flatten",
        "Dropout",
        "Linear",
        "Tanh",
        "Dropout",
        "Linear",
        "Tanh",
        "Dropout",
        "Linear",
    ]
    assert net[4].p == 0.25
