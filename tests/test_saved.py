"""Classifiers saved and loaded again: the same answers, and a sentence for every file that is none."""

import copy
import hashlib
import json

import pytest
import torch
from helpers import loaded
from safetensors.torch import save_file
from torch import nn

from workshop_utils import models

CLASSES = ("cat", "dog", "طائر")


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    made = models.build("efficientnet_lite0", classes=3, pretrained=True).eval()
    made.classes, made.threshold = CLASSES, 0.7
    return made


@pytest.fixture
def path(net, tmp_path):
    return models.save(net, tmp_path / "mine")


def test_loaded_classifier_answers_as_before_and_knows_its_classes(net, path):
    again, pictures = models.load(path), loaded("photos").images[:2]
    with torch.inference_mode():
        torch.testing.assert_close(again(again.preprocess(pictures)), net(net.preprocess(pictures)))
    assert again.classes == CLASSES and again.threshold == 0.7 and not again.training


def test_two_files_hold_numbers_and_words_and_nothing_that_could_run(path):
    assert sorted(file.name for file in path.parent.iterdir()) == ["mine.json", "mine.safetensors"]
    card = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert card["classes"] == list(CLASSES) and card["preprocessing"] == {
        "resize": 256,
        "crop": 224,
        "order": "RGB",
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
        "interpolation": "bicubic",
    }


def test_file_of_an_earlier_version_without_an_order_of_channels_is_read_as_rgb(path):
    card = json.loads(path.with_suffix(".json").read_text("utf-8"))
    del card["preprocessing"]["order"]
    rewritten(path, **card)
    assert models.load(path).preprocess.order == "RGB"


def with_(net, **attributes):
    """The same net under other words."""
    other = copy.copy(net)
    for name, value in attributes.items():
        setattr(other, name, value)
    return other


def test_existing_classifier_is_overwritten_only_if_asked(net, path):
    before, other = path.read_bytes(), with_(net, classes=("a", "b", "c"))
    with pytest.raises(FileExistsError, match="it was left as it is"):
        models.save(other, path)
    assert path.read_bytes() == before
    models.save(other, path, overwrite=True)
    assert models.load(path).classes == ("a", "b", "c")


@pytest.mark.parametrize(
    "words, change",
    [
        ("This net is no resnet18 with 3 classes: ", {"architecture": "resnet18"}),
        (
            "2 tensors differ, 'classifier.bias' first \\(\\(3,\\) for \\(2,\\)\\)",
            {"classes": ("a", "b")},
        ),
    ],
)
def test_net_of_another_architecture_is_not_saved(net, tmp_path, words, change):
    with pytest.raises(ValueError, match=words):
        models.save(with_(net, **change), tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


def test_net_without_preprocessing_or_classes_is_not_saved(tmp_path):
    small = models.build("small_vgg", classes=3)
    with pytest.raises(ValueError, match="has no .preprocess"):
        models.save(small, tmp_path / "mine")
    with pytest.raises(ValueError, match="has no .classes, .* net.classes = dataset.classes"):
        models.save(
            with_(
                small, preprocess=models.preprocessing(resize=28, crop=28, mean=[0.5], std=[0.5])
            ),
            tmp_path / "mine",
        )


def test_net_with_a_function_for_preprocessing_is_not_saved(net, tmp_path):
    with pytest.raises(ValueError, match="cannot be written down; make it with models.preprocess"):
        models.save(with_(net, preprocess=lambda picture: picture), tmp_path / "mine")


def rewritten(path, **changes):
    """The JSON file with other entries; None takes one away."""
    file = path.with_suffix(".json")
    card = {
        key: value
        for key, value in {**json.loads(file.read_text("utf-8")), **changes}.items()
        if value is not None
    }
    file.write_text(json.dumps(card), "utf-8")


def foreign(path):
    save_file({"weight": torch.zeros(2)}, path)
    rewritten(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def pickled(path):
    torch.save(nn.Linear(2, 2).state_dict(), path)
    rewritten(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize(
    "damage, error, words",
    [
        (
            lambda path: path.write_bytes(path.read_bytes()[:-100]),
            ValueError,
            "is damaged, or belongs to another classifier",
        ),
        (
            foreign,
            ValueError,
            "The file 'mine.safetensors' is no efficientnet_lite0 with 3 classes",
        ),
        (pickled, ValueError, "is not a safetensors file"),
        (
            lambda path: path.with_suffix(".json").unlink(),
            FileNotFoundError,
            "There is no file 'mine.json'",
        ),
        (lambda path: path.unlink(), FileNotFoundError, "There is no file 'mine.safetensors'"),
        (
            lambda path: path.with_suffix(".json").write_text("[1, 2]"),
            ValueError,
            "does not describe a classifier",
        ),
        (
            lambda path: path.with_suffix(".json").write_text("{"),
            ValueError,
            "does not describe a classifier",
        ),
        (lambda path: rewritten(path, classes=None), ValueError, "does not describe a classifier"),
        (
            lambda path: rewritten(path, architecture="resnet"),
            ValueError,
            "No model is called 'resnet'",
        ),
        (
            lambda path: rewritten(path, classes=["a", "b"]),
            ValueError,
            "is no efficientnet_lite0 with 2 classes",
        ),
        (
            lambda path: rewritten(path, preprocessing={"resize": 256}),
            ValueError,
            "does not describe a classifier",
        ),
    ],
)
def test_damaged_or_foreign_file_is_refused_in_a_sentence(path, damage, error, words):
    damage(path)
    with pytest.raises(error, match=words):
        models.load(path)
