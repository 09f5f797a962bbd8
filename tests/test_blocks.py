"""The ideas as blocks of one small net, and the recorded experiments about them."""

import ast
import importlib
import json
import sys
import types

import pytest
import torch
from helpers import code_cells, parameters
from torch import nn

from workshop_utils import data, evaluation, models, paths, recorded
from workshop_utils.models import blocks

every_idea = pytest.mark.parametrize("idea", models.IDEAS)
RECORDINGS = sorted(recorded.RECORDED.glob("*.json"))
sys.path.insert(
    0, str(recorded.RECORDED)
)  # experiments are no package: record.py runs them by name

import ninety  # noqa: E402
import record  # noqa: E402

experiment = importlib.import_module
every_recording = pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)


@every_idea
def test_net_reads_small_pictures_and_gives_a_score_a_class_in_train_and_eval(idea):
    for channels, side in ((1, 28), (3, 8)):
        net = models.small(idea, classes=7, channels=channels)
        for training in (True, False):
            outputs = net.train(training)(torch.rand(2, channels, side, side))
            assert tuple(outputs.shape) == (2, 7)
        outputs.square().sum().backward()
        assert all(
            parameter.grad is not None and parameter.grad.isfinite().all()
            for parameter in net.parameters()
        )


@every_idea
@pytest.mark.parametrize("budget", [20_000, 50_000])
def test_net_is_as_wide_as_its_budget_allows(idea, budget):
    net = models.small(idea, classes=10, channels=1, budget=budget)
    width = net[-1].in_features // (1 if idea == "vit" else 4)
    wider = blocks.of_width(models.IDEAS[idea], width + 4, classes=10, channels=1)
    assert parameters(net) <= budget < parameters(wider)


def test_vgg_block_has_the_parameters_counted_by_hand():
    width, net = 12, models.small("vgg", classes=10, channels=1)
    pairs = ((width, width), (width, 2 * width), (2 * width, 4 * width))
    by_hand = (
        9 * width
        + 2 * width
        + sum(9 * i * o + 2 * o + 9 * o * o + 2 * o for i, o in pairs)
        + (4 * width + 1) * 10
    )
    assert parameters(net) == by_hand


def test_residual_block_whose_body_is_silent_passes_its_input_on():
    block = blocks.Residual(3, 3, nn.Conv2d(3, 3, 3, padding=1))
    for parameter in block.body.parameters():
        nn.init.zeros_(parameter)
    x = torch.rand(2, 3, 5, 5)
    torch.testing.assert_close(block(x), x)


def test_dense_layers_read_the_maps_of_all_before_them():
    assert [layer[0].in_channels for layer in blocks.Dense(8, 16).layers] == [8, 12, 16]


def test_squeeze_multiplies_each_channel_by_one_number_from_0_to_1():
    x = torch.rand(2, 8, 4, 4) + 1
    factors = blocks.Squeeze(8)(x) / x
    assert (
        torch.allclose(factors, factors[..., :1, :1].expand_as(factors), atol=1e-5)
        and factors.min() > 0
        and factors.max() < 1
    )


@pytest.mark.parametrize(
    "block, dense, fewer",
    [
        (blocks.separable, blocks.convolution, 5),
        (lambda i, o: blocks.convolution(i, o, groups=4), blocks.convolution, 3),
    ],
)
def test_separable_and_grouped_convolutions_need_a_fraction_of_the_weights(block, dense, fewer):
    assert parameters(block(32, 32)) * fewer < parameters(dense(32, 32))


def test_vision_transformer_has_the_parameters_counted_by_hand():
    """Per block: query, key, value and out, then four times as wide and back, with biases; two normalisations."""
    width, net = 36, models.small("vit", classes=10, channels=1)
    block = 4 * width * (width + 1) + 4 * width * (width + 1) + width * (4 * width + 1) + 4 * width
    assert parameters(net) == 16 * width + width + 3 * block + (width + 1) * 10


def test_attention_mixes_places_as_the_formula_of_its_paper_says():
    layer, x = blocks.Attention(4, heads=1), torch.rand(2, 4, 2, 3)
    places, weights, biases = x.flatten(2).mT, layer.mix.in_proj_weight, layer.mix.in_proj_bias
    asked, offered, held = (places @ weights.mT + biases).chunk(3, dim=-1)
    mixed = (asked @ offered.mT / 4**0.5).softmax(-1) @ held
    expected = layer.mix.out_proj(mixed).mT.unflatten(2, (2, 3))
    torch.testing.assert_close(layer(x), expected)


def test_positions_differ_at_every_place_and_are_the_same_in_every_picture():
    added = blocks.Positions()(torch.zeros(2, 8, 7, 5))
    assert torch.equal(added[0], added[1])
    assert len(added[0].flatten(1).mT.unique(dim=0)) == 35


def test_block_of_ones_own_goes_into_the_same_net():
    def mine(c_in, c_out):
        return nn.Conv2d(c_in, c_out, 1)

    net = models.small(mine, classes=3)
    assert tuple(net(torch.rand(2, 3, 16, 16)).shape) == (2, 3)
    with pytest.raises(ValueError, match="10 parameters are too few for 'mine'"):
        models.small(mine, classes=3, budget=10)


def test_deep_net_has_as_many_layers_as_it_says_and_a_skip_costs_no_parameter():
    for layers in (4, 20):
        plain, residual = (
            models.deep(layers, skip=skip, classes=5, channels=1) for skip in (False, True)
        )
        assert sum(isinstance(layer, (nn.Conv2d, nn.Linear)) for layer in plain.modules()) == layers
        assert parameters(plain) == parameters(residual)
        assert tuple(residual(torch.rand(2, 1, 28, 28)).shape) == (2, 5)


@pytest.mark.parametrize("layers", [2, 7])
def test_deep_net_of_an_impossible_number_of_layers_is_refused(layers):
    with pytest.raises(ValueError, match=f"an even number of layers, 4 or more; {layers} is none"):
        models.deep(layers, skip=True, classes=5)


def test_unknown_idea_and_a_budget_too_small_are_answered():
    with pytest.raises(ValueError, match="No idea is called 'resnets'. Did you mean 'resnet'"):
        models.small("resnets", classes=10)
    with pytest.raises(ValueError, match="100 parameters are too few for 'vgg': the smallest has"):
        models.small("vgg", classes=10, budget=100)


# --- recordings ---


@every_recording
def test_recording_was_made_by_the_code_that_is_here(path):
    found = recorded.load(path.stem)
    assert found["code"] == recorded.code_sum(found["files"]), (
        f"stale: run {found['command']} again, or with --confirm where the results should be the same"
    )
    assert (
        found["seeds"] == list(experiment(path.stem).SEEDS)
        and getattr(experiment(path.stem), "DESIGN", None) not in found["seeds"]
    )


def test_recording_names_every_file_whose_code_runs_in_a_tiny_run_of_it():
    found = recorded.load("kernels")
    assert found["files"] == sorted(record.code_that_runs("kernels"))
    assert "workshop_utils/evaluation.py" in found["files"]


def test_files_that_matter_for_a_recording_or_do_not_are_there():
    """One that was renamed would drop out of the sum without a word."""
    for file in record.MATTER + record.NO_MATTER:
        assert (recorded.HOME / file).exists(), file


@pytest.mark.parametrize("again, renewed", [(0.885, True), (0.95, False)])
def test_confirming_renews_the_sum_only_where_a_repeated_seed_agrees(
    again, renewed, tmp_path, monkeypatch
):
    old = {
        "command": "",
        "machine": "2 cores, 1 threads",
        "seeds": [1, 2],
        "files": [],
        "code": "old",
        "results": {"a": [0.88, 0.89]},
    }
    for module in (recorded, record):
        monkeypatch.setattr(module, "RECORDED", tmp_path)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)  # other tests go on after this
    (tmp_path / "race.json").write_text(json.dumps(old))
    race = types.SimpleNamespace(
        again=lambda results: [("a", results["a"], again)],
        run=lambda: models.card("lenet"),
        TINY={},
    )
    monkeypatch.setitem(sys.modules, "race", race)
    if renewed:
        record.confirm("race")
        assert recorded.load("race")["code"] == recorded.code_sum(recorded.load("race")["files"])
    else:
        with pytest.raises(SystemExit, match="1 values are not the recorded ones: a"):
            record.confirm("race")
    assert (
        recorded.load("race")["results"] == old["results"]
        and (recorded.load("race")["code"] == "old") is not renewed
    )


def test_recording_of_the_ideas_has_every_idea_and_seed():
    found = recorded.load("ideas")
    assert set(found["results"]) == set(models.IDEAS)
    for idea, row in found["results"].items():
        assert len(row["accuracy"]) == len(found["seeds"]) and row["parameters"] == parameters(
            models.small(idea, classes=10, channels=1)
        )


@pytest.mark.parametrize(
    "changed, same",
    [
        ("x = 2", False),
        ("def f(a): return a", False),
        ('"""Another docstring."""\n\nx = (\n    1  # a comment\n)', True),
    ],
)
def test_code_sum_changes_with_what_the_code_does_and_not_with_its_layout(
    changed, same, tmp_path, monkeypatch
):
    monkeypatch.setattr(recorded, "HOME", tmp_path)
    (tmp_path / "one.py").write_text('"""A docstring."""\nx = 1')
    before = recorded.code_sum(["one.py"])
    (tmp_path / "one.py").write_text(changed)
    assert (recorded.code_sum(["one.py"]) == before) is same
    (tmp_path / "one.py").unlink()
    assert recorded.code_sum(["one.py"]) != before


def test_recording_that_was_never_made_says_the_command_and_a_label_says_seeds_and_minutes(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(recorded, "RECORDED", tmp_path)
    with pytest.raises(
        FileNotFoundError, match="python notebooks/recorded/record.py race makes it"
    ):
        recorded.load("race")
    (tmp_path / "race.json").write_text(json.dumps({"seeds": [0, 1], "seconds": 130}))
    assert recorded.label("race") == "recorded, 2 seeds, 2 min"


# --- how fast can it be? ---


def test_companion_shows_the_fast_net_as_it_was_recorded_and_raced():
    """People change it there; the benchmark and the recording run the other copy."""
    recording = ast.parse((recorded.RECORDED / "ninety.py").read_text("utf-8"))
    (path,) = (paths.NOTEBOOKS / "deeper").glob("02*.ipynb")
    for name in ("whitened", "fast"):
        (shown,) = (c.source for c in code_cells(path) if f"def {name}(" in c.source)
        first, second = (
            ast.dump(node)
            for tree in (recording, ast.parse(shown))
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and node.name == name
        )
        assert first == second


def test_computed_layer_answers_with_numbers_of_one_size_that_do_not_repeat_each_other():
    pictures = ninety.first(data.load("fashion-mnist"))
    layer = ninety.whitened(pictures, 24)
    answers = layer(pictures)
    assert torch.allclose(answers[:, :12], -answers[:, 12:], atol=1e-5)  # ReLU keeps half of each
    inside = answers[:, :12, 1:-1, 1:-1].transpose(0, 1).flatten(1)  # beyond the border are zeros
    spread, alike = inside.std(dim=1), inside.corrcoef() - torch.eye(12)
    assert spread.min() > 0.5 and spread.max() < 1.5 and alike.abs().max() < 0.2


@pytest.mark.parametrize("row", ninety.CHANGES)
def test_fast_net_learns_with_every_change_and_its_first_layer_only_where_it_should(row):
    few = data.load("fashion-mnist").per_class(2)
    net, seconds = ninety.trained(row, 0, few)
    computed = ninety.whitened(ninety.first(few), 24).weight
    same = torch.equal(net[0].weight, computed)
    assert seconds > 0 and same is (row != "first layer learned")
    assert evaluation.predict(net, few).probabilities.shape == (20, 10)
