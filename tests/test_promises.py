"""Promises at their edges: what holds for exactly the last, the one more, the none at all."""

import json
import shutil

import numpy as np
import pytest
import torch
from helpers import file_bytes, loaded, photo, tiny_dataset, tiny_net
from torch import nn

from workshop_utils import data, evaluation, explain, journal, models, training, widgets
from workshop_utils.exercises import kit
from workshop_utils.models.cost import require_fit
from workshop_utils.widgets import decision_threshold, top_k_accuracy
from workshop_utils.widgets.collection import Collection


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(tmp_path / "progress"))


def predicted(*rows: tuple[int, list[float]]) -> evaluation.Predictions:
    """Predictions of classes a, b, c from pairs (label, probabilities)."""
    labels, probabilities = zip(*rows)
    return evaluation.Predictions(np.array(probabilities), np.array(labels), ("a", "b", "c"))


# --- data ---


@pytest.mark.parametrize("fraction", [0.05, 0.5, 0.95])
def test_splitting_off_leaves_a_picture_of_every_class_on_either_side(fraction):
    for part in tiny_dataset(3).split_off(fraction):
        assert torch.bincount(part.labels, minlength=3).min() >= 1


def test_only_picture_of_a_class_stays_in_the_rest():
    rest, part = tiny_dataset(3).subset([0, 1, 2, 4, 5, 7, 8]).split_off(0.9)
    assert torch.bincount(rest.labels).tolist() == [1, 1, 1]
    assert torch.bincount(part.labels, minlength=3).tolist() == [0, 2, 2]


def test_pictures_of_one_shade_are_normalised_to_numbers():
    images = torch.full((4, 1, 8, 8), 77, dtype=torch.uint8)
    dull = data.ImageDataset(images, torch.arange(4) % 2, ("a", "b"), name="dull")
    assert dull.std.item() == pytest.approx(1e-6) and dull.mean.item() == pytest.approx(77 / 255)
    batch, _ = next(iter(data.Batches(dull, 4, device="cpu")))
    assert batch.isfinite().all()


def test_all_pictures_of_a_class_may_be_drawn():
    assert sorted(tiny_dataset(4).draw(4).tolist()) == list(range(12))


def test_positions_count_from_the_end_and_end_there():
    dataset = tiny_dataset(2)
    assert torch.equal(dataset.subset([-1]).images, dataset.subset([5]).images)
    for beyond in (6, -7):
        with pytest.raises(ValueError, match="the positions 0 to 5"):
            dataset.subset([beyond])


def test_without_a_seed_every_order_is_another():
    dataset = tiny_dataset(40)
    orders = [data.Batches(dataset, 120, shuffle=True, device="cpu") for _ in range(2)]
    first, second = (next(iter(one))[1] for one in orders)
    assert not torch.equal(first, second) and torch.equal(first.sort()[0], second.sort()[0])


def test_mirroring_turns_about_half_of_the_pictures():
    images = torch.arange(8.0).expand(400, 1, 8, 8)
    torch.manual_seed(0)
    mirrored = (data.augmentation(flip=True)(images)[:, 0, 0, 0] == 7).float().mean()
    assert 0.4 < mirrored < 0.6


# --- training ---


@pytest.mark.parametrize("momentum", [0, 0.5])
def test_one_cycle_leaves_the_momentum_alone(momentum):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1, momentum=momentum)
    scheduler = training.one_cycle(optimizer, 8)
    for _ in range(7):
        optimizer.step()
        scheduler.step()
        assert optimizer.param_groups[0]["momentum"] == momentum


@pytest.mark.parametrize("side", [9, 300, 512])
def test_smallest_side_that_a_net_reads_is_named(side):
    net = nn.Sequential(nn.Conv2d(1, 1, side), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ValueError, match=f"it needs {side} x {side} or more"):
        require_fit(net.append(nn.Linear(1, 3)), tiny_dataset())


def test_side_beyond_512_is_not_looked_for():
    net = nn.Sequential(nn.Conv2d(1, 1, 513), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ValueError, match=r"cannot read pictures of shape \(1, 8, 8\)"):
        require_fit(net.append(nn.Linear(1, 3)), tiny_dataset())


def flat_net(classes: int = 3) -> nn.Module:
    """Answers the same in training and evaluation."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))


def test_loss_of_an_epoch_is_the_mean_over_pictures_whatever_the_last_batch_holds():
    net, pictures = flat_net(), tiny_dataset(3)  # 9 pictures: 8 and 1
    still = torch.optim.SGD(net.parameters(), lr=0)
    history = training.fit(net, pictures, epochs=1, batch_size=8, optimizer=still, device="cpu")
    judged = evaluation.evaluate(evaluation.predict(net, pictures, device="cpu"))
    assert history.loss[0] == pytest.approx(judged.cross_entropy, rel=1e-4)
    assert history.accuracy[0] == pytest.approx(judged.accuracy)


def test_rate_of_nought_moves_nothing():
    net = flat_net()
    before = net[1].weight.clone()
    training.fit(net, tiny_dataset(3), epochs=1, learning_rate=0, device="cpu")
    assert torch.equal(net[1].weight, before)


def test_infinite_loss_is_said_as_one_that_is_no_number():
    net = flat_net()
    with torch.no_grad():
        net[1].bias.copy_(torch.tensor([3e38, -3e38, -3e38]))
    with pytest.raises(ValueError, match="The loss became inf in training"):
        training.fit(net, tiny_dataset(3), epochs=1, device="cpu")


def test_class_before_the_first_has_no_map():
    with pytest.raises(ValueError, match="classes 0 to 2; target is -1"):
        explain.grad_cam(tiny_net(), torch.rand(1, 8, 8), -1)


# --- exercises ---


@pytest.mark.parametrize(
    "number, answer, kind",
    [
        ("1.2", 20 / 168, "right"),
        ("1.2", 0.119, "right"),
        ("1.2", 0.12, "right"),  # rounded to two digits
        ("1.2", 19 / 168, "wrong"),
        ("1.2", 21 / 168, "wrong"),
        ("1.2", 0.1, "wrong"),
        ("1.2", [0.119], "right"),
        ("1.2", [[0.119]], "right"),
        ("1.2", torch.tensor([0.119]), "right"),
        ("1.2", [0.119, 0.119], "wrong"),
        ("2.2", [2416], "right"),
        ("2.2", 2415, "wrong"),
        ("2.6", 0.45, "right"),
        ("2.6", 0.44, "wrong"),
        ("2.6", 0.46, "wrong"),
        ("3.3", 11_529, "right"),
        ("3.3", 11_528, "wrong"),
    ],
)
def test_number_is_right_as_far_as_people_round_it(number, answer, kind):
    assert kit.judged(kit.find(number), answer).kind == kind


@pytest.fixture(scope="module")
def clothes():
    net = models.ready("lenet-fashion-mnist")
    return evaluation.predict(net, loaded("fashion-mnist", "test"))


@pytest.mark.parametrize("miss, alarm", [(5, 1), (1, 4)])
def test_threshold_may_cost_a_tenth_more_than_the_cheapest_and_not_a_sixth(miss, alarm, clothes):
    grid = np.linspace(0.005, 0.995, 199)
    prices = [evaluation.decide(clothes, "Shirt", at).cost(miss, alarm) for at in grid]
    more = np.array(prices) / min(prices)
    given = {"predictions": clothes, "others": clothes, "miss": miss, "alarm": alarm}
    metric = "recall" if miss > alarm else "precision"
    kinds = {}
    for kind, near in (("right", 1.09), ("wrong", 1.12)):
        away = np.abs(more - near) + (grid == 0.5)
        at = float(grid[away.argmin()])
        kinds[kind] = more[away.argmin()]
        assert kit.judged(kit.find("1.8"), (metric, at), **given).kind == kind
    assert 1.05 < kinds["right"] <= 1.1 < kinds["wrong"] < 1.17


# --- panels ---


def test_top_k_shows_the_pictures_whose_class_is_exactly_the_kth():
    dataset = tiny_dataset(2)
    made = predicted(
        (0, [0.7, 0.2, 0.1]),
        (1, [0.7, 0.2, 0.1]),
        (2, [0.7, 0.2, 0.1]),
        (0, [0.1, 0.2, 0.7]),
        (1, [0.1, 0.2, 0.7]),
        (2, [0.3, 0.2, 0.5]),
    )
    words = [
        top_k_accuracy.top_k_figure(made, dataset, k=k).description.partition("probable. ")[2]
        for k in (1, 2, 3)
    ]
    for k, named in enumerate(("a, c", "b, b", "c, a"), 1):
        said = f"2 pictures have it exactly in place {k}; the first of them are {named}."
        assert words[k - 1] == said


def test_precision_is_undefined_only_where_nothing_is_called_so():
    made = predicted((0, [0.6, 0.2, 0.2]), (1, [0.5, 0.3, 0.2]), (0, [0.2, 0.4, 0.4]))
    words = {
        at: decision_threshold.threshold_figure(
            made, positive="a", miss=1, alarm=1, at=at
        ).description
        for at in (0.4, 0.6, 0.7)
    }
    assert "Recall 0.50, precision 0.50." in words[0.4] and "precision 1.00." in words[0.6]
    assert "Recall 0.00, precision undefined, for none is called so." in words[0.7]
    wrong = predicted((0, [0.2, 0.4, 0.4]), (1, [0.9, 0.1, 0.0]))
    only_alarms = decision_threshold.threshold_figure(wrong, positive="a", miss=1, alarm=1, at=0.5)
    assert "Recall 0.00, precision 0.00." in only_alarms.description


def answer(panel: widgets.Panel, name: str) -> None:
    controls = panel.controls["answer"]
    controls.value = next(option for option in controls.options if option.endswith(f" {name}"))


def test_after_the_last_picture_labelling_goes_back_to_the_first_without_a_label():
    made = widgets.labelling(tiny_dataset(1, classes=5))
    made.controls["number"].value = 2
    answer(made, "a")
    made.controls["number"].value = 5
    answer(made, "b")
    assert made.state["number"] == 1
    answer(made, "c")
    assert made.state["number"] == 3


def test_label_of_a_class_that_the_set_has_not_counts_as_no_idea(capsys):
    letters = tiny_dataset(1)
    answer(widgets.labelling(letters), "a")
    others = data.ImageDataset(letters.images, letters.labels, ("x", "b", "c"), name="others")
    assert widgets.your_labels(others).probabilities == pytest.approx(np.full((3, 3), 1 / 3))
    assert "labelled 0 of 3" in capsys.readouterr().out
    assert widgets.your_labels(letters).probabilities[0] == pytest.approx([0.91, 0.045, 0.045])


def test_label_that_is_neither_sure_nor_unsure_counts_as_none(tmp_path, monkeypatch):
    letters = tiny_dataset(1)
    answer(widgets.labelling(letters), "a")
    (line,) = journal.load("labels.json")
    (key,) = json.loads(line)
    journal.change("labels.json", add=[json.dumps({key: ("b", "certain")})])
    moved = shutil.copytree(tmp_path / "progress", tmp_path / "moved")
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(moved))  # read anew, as by a new kernel
    assert widgets.your_labels(letters).predicted[0] == 0


def test_exactly_500_pictures_are_taken_and_those_there_count(tmp_path):
    class Read(Exception):
        pass

    def read():
        raise Read

    mine = Collection(tiny_net(channels=3), None, tmp_path / "mine")
    with pytest.raises(Read):
        mine.add({"many": [("1.png", read)] * 500})
    mine.add({"one": [("1.png", lambda: file_bytes(photo(40, 30)))]})
    with pytest.raises(ValueError, match="500 pictures are the limit"):
        mine.add({"many": [("1.png", read)] * 250, "more": [("1.png", read)] * 250})
    with pytest.raises(Read):
        mine.add({"many": [("1.png", read)] * 499})
