"""Nets from a line of words: shapes and parameters by hand, and a sentence where it goes wrong."""

import pytest
import torch
from helpers import fresh_python, parameters
from torch import nn

from workshop_utils import models
from workshop_utils.models import stack


@pytest.mark.parametrize(
    "blocks, side, expected",
    [
        ("conv5 6, pool, conv5 16, pool, dense 120, dense 84", 32, 61_706),  # LeNet-5
        ("", 28, 784 * 10 + 10),
        ("conv3 8 same", 28, 8 * 10 + 8 * 28 * 28 * 10 + 10),
        ("conv3 8", 28, 8 * 10 + 8 * 26 * 26 * 10 + 10),
        ("pool, pool", 28, 7 * 7 * 10 + 10),
        (" CONV1 2 ,dense 3,, ", 28, 2 * 2 + 2 * 784 * 3 + 3 + 3 * 10 + 10),
        ("conv3 8, bn, average", 28, 8 * 10 + 2 * 8 + 8 * 10 + 10),
        ("dense 8, bn, dropout", 28, 784 * 8 + 8 + 2 * 8 + 8 * 10 + 10),
        ("res 8, average", 28, 8 * 9 + 8 * 8 * 9 + 4 * 8 + 8 + 8 * 10 + 10),
        ("conv1 8, res 8, average", 28, 2 * 8 + 2 * 8 * 8 * 9 + 4 * 8 + 8 * 10 + 10),
    ],
)
def test_parameters_agree_with_arithmetic_by_hand(blocks, side, expected):
    assert parameters(models.stacked(blocks, classes=10, input_shape=(1, side, side))) == expected


@pytest.mark.parametrize(
    "blocks",
    [
        "conv3 4, pool, conv3 8 same, pool, dense 16",
        "pool",
        "dense 5, bn, dense 4",
        "bn, conv3 4, bn, res 8, dropout, inception 8, average",
    ],
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
        ("conv3 100000 same", "Block 1, .* has 100,000 outputs, which are too many: give it 9,999"),
        ("pool, relu", "Block 2, 'relu', is none of: .* A ReLU comes with each conv and dense"),
        ("res", "Block 1, 'res', is none of: .* res 32"),
        ("inception 30", "four equal parts: give it a multiple of 4"),
        ("dense 8, res 8", "Block 2, 'res 8', needs height"),
        ("average, pool", "the maps before it are only 1 x 1"),
        ("dense 8, average", "needs height and width"),
        ("dense 0", "has no outputs"),
        (", ".join(["dense 4"] * 31), "31 blocks are more than the 30"),
    ],
)
def test_mistake_is_answered_with_the_block_and_what_is_wrong(blocks, words):
    with pytest.raises(ValueError, match=words):
        models.stacked(blocks, classes=10, input_shape=(1, 28, 28))


@pytest.mark.parametrize("activation", [torch.nn.ReLU(), torch.relu, "relu"])
def test_activation_that_makes_no_layer_is_refused(activation):
    with pytest.raises(ValueError, match="class of layers, without brackets, such as nn.GELU"):
        models.stacked("dense 8", classes=10, input_shape=(1, 8, 8), activation=activation)


@pytest.mark.parametrize("shape", [(28, 28), 28])
def test_picture_without_channels_is_refused(shape):
    with pytest.raises(ValueError, match="input_shape is .*, such as .1, 28, 28.; this is"):
        models.stacked("dense 8", classes=10, input_shape=shape)


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


def test_batch_normalisation_stands_before_the_activation_of_the_block_that_it_follows():
    net = models.stacked("conv3 4, bn, pool, bn, dense 5, bn", classes=2, input_shape=(1, 8, 8))
    assert [type(layer).__name__ for layer in net] == [
        *("Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "BatchNorm2d"),
        *("Flatten", "Linear", "BatchNorm1d", "ReLU", "Linear"),
    ]


@pytest.mark.parametrize("word, idea", [("res", "resnet"), ("inception", "googlenet")])
def test_blocks_are_those_that_the_chapter_compares(word, idea):
    net = models.stacked(f"{word} 32", classes=2, input_shape=(16, 8, 8))
    assert type(net[0]) is models.IDEAS[idea]


def test_residual_block_adds_what_came_in_and_branches_stand_side_by_side():
    x = torch.randn(4, 16, 8, 8)
    block = stack.ResBlock(16, 16).eval()
    assert torch.equal(block(x), torch.relu(block.body(x) + x))
    beside = stack.Inception(16, 32).eval()
    assert torch.equal(beside(x), torch.cat([branch(x) for branch in beside.branches], 1))


ALONE = """
import sys
sys.modules["workshop_utils"] = None  # whoever imports it fails
import torch
torch.manual_seed(3)
{code}
torch.save((net.eval()(torch.linspace(-1, 1, 2 * 28 * 28).view(2, 1, 28, 28)), sum(p.numel() for p in net.parameters())), {path!r})
"""


def test_printed_code_makes_the_same_net_without_this_package(tmp_path):
    blocks = "conv5 8, bn, pool, conv3 8 same, res 16, inception 16, average, dropout, dense 12, bn"
    torch.manual_seed(3)
    net = models.stacked(
        blocks, classes=10, input_shape=(1, 28, 28), activation=nn.Tanh, dropout=0.25
    )
    path = str(tmp_path / "said.pt")
    answer = fresh_python(ALONE.format(code=net.code, path=path))
    assert answer.stderr == ""
    scores, count = torch.load(path)
    picture = torch.linspace(-1, 1, 2 * 28 * 28).view(2, 1, 28, 28)
    assert count == parameters(net) and torch.allclose(scores, net.eval()(picture), atol=1e-6)
    assert "workshop" not in net.code


def test_code_of_a_plain_stack_is_one_sequential():
    assert models.stacked("conv3 8 same, pool", classes=10, input_shape=(1, 28, 28)).code == (
        "from torch import nn\n\n\nnet = nn.Sequential(\n    nn.Conv2d(1, 8, 3, padding=1),\n    nn.ReLU(),\n"
        "    nn.MaxPool2d(2),\n    nn.Flatten(),\n    nn.Linear(1568, 10),\n)\n"
    )
