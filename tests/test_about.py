"""The model card of a saved classifier, nets of timm in files, and the lines that open a file without the course."""

import json
import re

import pytest
import timm
import torch
from helpers import file_bytes, fresh_python, photo, tiny_dataset
from PIL import Image
from torch import nn

from workshop_utils import data, evaluation, models, transfer
from workshop_utils.models.about import BLANKS

RECIPE = models.preprocessing(resize=64, crop=56, mean=[0.5] * 3, std=[0.25] * 3)
TIMM = {
    "test_vit": {},
    "test_convnext": {},
    "mobilenetv3_small_050": {},
    "vit_small_patch14_dinov2": {"img_size": 56},
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def pictures(count: int = 4) -> data.ImageDataset:
    return tiny_dataset(count, classes=2, channels=3)


def trained(architecture: str = "squeezenet1_1", count: int = 4) -> nn.Module:
    torch.manual_seed(0)
    net = models.build(architecture, classes=2).eval()
    net.preprocess = RECIPE
    return transfer.classifier(net, pictures(count))


def described(net: nn.Module, **options) -> str:
    return models.describe(models.save(net, "mine", overwrite=True, **options))


# --- the card ---


def test_card_says_data_counts_score_with_its_interval_and_what_a_person_must_add():
    net = trained()
    right, card = int((net.left_out.predicted == net.left_out.labels).sum()), described(net)
    assert "4 of 'a', 4 of 'b'" in card and "8 pictures, tiny, train, memory" in card
    assert f"{right} of 8 pictures right, each judged by a head that was fitted without it" in card
    assert f"Below {100 * net.threshold:.1f} % none of them" in card
    assert len(re.findall("To be filled in", card)) == 2 and BLANKS["PURPOSE"] in card


def test_interval_is_wilsons():
    """18 of 20: the formula by hand, with z = 1.96."""
    p, n, z = 18 / 20, 20, 1.959964
    middle, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    low, high = (100 * (middle + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    net = trained()
    net.about = models.About(right=18, judged=20, how="new to it")
    assert f"90 %; of all such pictures {low:.0f} to {high:.0f} %" in described(net)


def test_nothing_is_made_up_about_a_net_of_which_nothing_is_known():
    net = models.build("small_resnet", classes=2)
    net.preprocess, net.classes = RECIPE, ("a", "b")
    card = described(net)
    assert all(blank in card for blank in BLANKS.values()) and "of 'a'" not in card
    assert "the course's own: `models.load` opens it" in card and "import" not in card


def test_what_a_person_says_and_new_pictures_take_the_place_of_the_blanks_and_stay():
    net = trained()
    tested = evaluation.predict(net, pictures(3))
    right = int((tested.predicted == tested.labels).sum())
    said = {"purpose": "sorts buttons", "limits": "no shiny ones"}
    first = described(net, tested=tested, **said)
    assert all(text in first for text in said.values()) and "To be filled in" not in first
    assert f"{right} of 6 pictures right, new to it" in first
    assert described(models.load("mine")) == first
    assert net.about.judged == 8  # the net at hand stays as it was


def test_score_is_of_the_nets_own_classes():
    net, found = trained(), evaluation.predict(trained(), pictures(3))
    assert described(net, tested=evaluation.evaluate(found)) == described(net, tested=found)
    for other in (evaluation.Predictions(found.probabilities, found.labels, "xy"), 0.93):
        with pytest.raises(ValueError, match="for new pictures of the net's own classes"):
            described(net, tested=other)


def test_card_is_written_as_markdown_and_shown_as_such(tmp_path):
    models.save(trained(), "mine")
    card = models.describe("mine", markdown="card.md")
    assert (tmp_path / "card.md").read_text("utf-8") == card == repr(card) == card._repr_markdown_()


def test_names_of_strangers_are_shown_as_they_are():
    net = trained()
    net.classes, name = ("<img src=x>", "a*b*\n# c"), "`|$x$"
    card = described(net, purpose=name)
    assert r"\<img src=x\>" in card and r"a\*b\* \# c" in card and r"\`\|\$x\$" in card


def test_one_picture_a_class_has_no_score():
    net = trained(count=1)
    assert net.left_out is None and BLANKS["SCORE"] in described(net)


# --- any net of timm ---


@pytest.mark.parametrize("classes", [0, 5])
@pytest.mark.parametrize("name", TIMM)
def test_net_of_timm_becomes_a_classifier_that_is_saved_and_loaded(name, classes):
    torch.manual_seed(0)
    net = timm.create_model(name, num_classes=classes, **TIMM[name]).eval()
    net.preprocess = models.timm_preprocessing(net)
    made = transfer.classifier(net, pictures())
    again = models.load(models.save(made, "mine"))
    assert again.architecture == f"timm/{name}" and again.preprocess == net.preprocess
    assert again.preprocess.crop == TIMM[name].get("img_size", again.preprocess.crop)
    inputs = net.preprocess(pictures().images)
    with torch.inference_mode():
        features = net.forward_head(net.forward_features(inputs), pre_logits=True)
        expected = models.head(made)[1](features)
        assert torch.allclose(made(inputs), expected, atol=1e-4)
        assert torch.allclose(again(inputs), expected, atol=1e-4)


def test_preprocessing_of_timm_is_what_timm_states():
    net = timm.create_model("resnet18", num_classes=2)
    config = timm.data.resolve_model_data_config(net)
    found = models.timm_preprocessing(net)
    assert (found.mean, found.std, found.crop) == (config["mean"], config["std"], 224)
    assert found.interpolation.value == config["interpolation"]
    assert found.resize == int(224 / config["crop_pct"])


def test_net_of_timm_without_preprocessing_is_told_where_to_have_it():
    net = timm.create_model("resnet18", num_classes=2)
    with pytest.raises(ValueError, match=r"no .preprocess.* = models.timm_preprocessing\(net\)"):
        models.save(net, "mine")


def test_net_that_nobody_can_build_again_is_told_how_to_build_it():
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(ValueError, match="no .architecture.* with models.build or timm"):
        models.save(net, "mine")


def test_headless_net_has_no_head_to_keep_learning():
    net = timm.create_model("test_vit", num_classes=0)
    with pytest.raises(ValueError, match="no head to take off or to train"):
        transfer.freeze(net)


# --- without the course ---


OPENED = ["efficientnet_lite0", "squeezenet1_1", "resnet18", "test_vit"]
ALONE = """
import sys
sys.modules["workshop_utils"] = None  # any import of it fails
import json, os
for folder in sorted(os.listdir()):
    os.chdir(folder)
    made = {}
    exec(open("lines.py", encoding="utf-8").read(), made)
    print("=", json.dumps(made["answer"].tolist()))
    os.chdir("..")
"""


def test_printed_lines_open_the_file_without_the_course_and_give_the_same_answers(tmp_path):
    expected, refused = [], 0
    for number, name in enumerate(OPENED):
        (folder := tmp_path / str(number)).mkdir()
        torch.manual_seed(number)
        side = 64
        if name.startswith("test_"):
            side, net = 160, timm.create_model(name, num_classes=0)
        else:
            net = models.build(name, classes=2)
        net.preprocess = models.preprocessing(
            resize=side + 20,
            crop=side,
            mean=[0.5] * 3,
            std=[0.3, 0.2, 0.3],
            order=["RGB", "BGR"][number % 2],
        )
        made = transfer.classifier(net, pictures(1))
        made.threshold = [0.01, 0.99][number % 2]
        (folder / "new.jpg").write_bytes(file_bytes(photo(seed=number), "JPEG"))
        card = models.describe(models.save(made, folder / "mine"))
        (folder / "lines.py").write_text(
            re.search("```python\n(.*)```", card, re.DOTALL)[1], "utf-8"
        )
        with torch.inference_mode():
            scores = made(made.preprocess(Image.open(folder / "new.jpg"))[None])[0]
        expected.append(scores.softmax(0).tolist())
        refused += max(expected[-1]) < made.threshold
    ended = fresh_python(ALONE, cwd=tmp_path, env={"OMP_NUM_THREADS": "1"})
    assert ended.returncode == 0, ended.stderr
    answers = [json.loads(line[2:]) for line in ended.stdout.splitlines() if line[:2] == "= "]
    for row, answer in zip(expected, answers, strict=True):
        assert answer == pytest.approx(row, abs=1e-4)
    assert ended.stdout.count("none looks likely") == refused == 2
