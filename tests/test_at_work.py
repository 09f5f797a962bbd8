"""The script that people take home: it stands alone, reads any folder, splits fairly, and says what the course's own tools say."""

import csv
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from argparse import Namespace

import numpy as np
import pytest
import timm
import torch
from helpers import tiny_dataset
from PIL import Image
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression

from workshop_utils import data, models, paths, transfer

SCRIPT = paths.NOTEBOOKS / "at_work.py"
SMALL = "test_resnet"  # timm's own net for tests, 160 pixels


@pytest.fixture(scope="module")
def at_work():
    spec = importlib.util.spec_from_file_location("at_work", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A net that learned nothing, in a file as a person may have one."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / f"{SMALL}.safetensors"
    save_file(timm.create_model(SMALL).state_dict(), path)
    return path


def written(dataset, folder, name="{}.png"):
    """The pictures of a set as files, a folder a class."""
    for position, (image, label) in enumerate(zip(dataset.images, dataset.labels)):
        place = folder / dataset.classes[label] / name.format(position)
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(place)
    return folder


@pytest.fixture
def options(tmp_path, monkeypatch, weights):
    """Of 24 small pictures in three classes; what is written lands in a temporary folder."""
    monkeypatch.chdir(tmp_path)
    folder = written(tiny_dataset(channels=3), tmp_path / "pictures")
    facts = {
        "model": "mine.pt",
        "net": SMALL,
        "weights": weights,
        "epochs": 0,
        "device": "cpu",
        "workers": 0,
    }
    return Namespace(folder=folder, balanced=None, together=".*", **facts)


def rows():
    with open("predictions.csv", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_command_works_without_the_course_from_training_to_a_table(options, tmp_path):
    shutil.copy(SCRIPT, tmp_path)
    (tmp_path / "new").mkdir()
    shutil.copy(options.folder / "a/0.png", tmp_path / "new" / "Schülerin, 1.png")
    run = [sys.executable, "-P", "at_work.py"]
    alone = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    asked = ["train", "pictures", "--net", SMALL, "--weights", str(options.weights)]
    said = subprocess.run(
        [*run, *asked, "--epochs", "1"], env=alone, capture_output=True, text=True
    )
    assert re.search(r"\d of 6 right; of other such pictures \d+% to \d+%", said.stdout), (
        said.stderr
    )
    assert "recall" in said.stdout and (tmp_path / "confusion.png").is_file()
    subprocess.run([*run, "predict", "new"], env=alone, check=True, capture_output=True)
    (row,) = rows()
    assert row["file"] == os.path.join("new", "Schülerin, 1.png") and row["class"] in "abc"
    assert "workshop_utils" not in SCRIPT.read_text("utf-8")


def test_the_script_is_short_enough_to_be_understood():
    assert len(SCRIPT.read_text("utf-8").splitlines()) <= 150


def test_bright_and_dark_pictures_are_told_apart_and_new_ones_are_too(at_work, options, capsys):
    at_work.train(options)
    assert "6 of 6 right" in capsys.readouterr().out
    at_work.predict(options)
    assert (
        all(row["class"] == row["file"].split(os.sep)[-2] for row in rows()) and len(rows()) == 24
    )


class Bare:
    """Of a net only its head, 32 features to two classes."""

    def __init__(self):
        self.head = torch.nn.Linear(32, 2)

    def reset_classifier(self, classes):
        assert classes == 2

    def get_classifier(self):
        return self.head


def test_two_classes_are_scored_as_scikit_learn_scores_them(at_work, options):
    features, labels, net = torch.randn(40, 32), torch.arange(40) % 2, Bare()
    at_work.fit_head(net, features, labels, options)
    expected = LogisticRegression(C=0.1, max_iter=500).fit(features, labels).predict_proba(features)
    assert np.allclose(net.head(features).softmax(1).detach(), expected, atol=1e-4)


def test_files_that_belong_together_stay_on_one_side(at_work, options, monkeypatch):
    shutil.rmtree(options.folder)
    written(tiny_dataset(channels=3), options.folder, "dog{}.png")
    for file in options.folder.rglob("*.png"):
        for view in range(3):
            shutil.copy(file, file.with_name(f"{file.stem}_{view}.png"))
        file.unlink()
    options.together, sides = r"dog\d+", []
    subset = at_work.Subset
    monkeypatch.setattr(
        at_work, "Subset", lambda whole, rows: sides.append(rows) or subset(whole, rows)
    )
    at_work.train(options)
    files = [file for file, _ in at_work.ImageFolder(options.folder).samples]
    learned, judged = ({re.search(r"dog\d+", files[i])[0] for i in side} for side in sides)
    assert len(learned) + len(judged) == 24 and not learned & judged


def test_balanced_finds_more_of_a_rare_class(at_work, options):
    features = torch.randn(220, 32, generator=torch.Generator().manual_seed(0))
    labels, recall = (torch.arange(220) < 20).long(), []
    features[labels == 1] += 0.4
    for options.balanced in (None, "balanced"):
        net = Bare()
        at_work.fit_head(net, features, labels, options)
        recall.append((net.head(features).argmax(1)[labels == 1] == 1).float().mean())
    assert recall[1] > recall[0] + 0.2


def test_a_damaged_picture_is_named(at_work, options):
    (options.folder / "a" / "0.png").write_bytes(b"no picture")
    with pytest.raises(RuntimeError, match=r"Remove '.*0.png', it cannot be read"):
        at_work.train(options)


def test_pictures_stand_upright_and_on_white(at_work, tmp_path):
    picture = Image.new("RGB", (4, 2), "red")
    picture.getexif()[0x0112] = 6  # turned by a quarter
    picture.save(tmp_path / "turned.jpg", exif=picture.getexif())
    Image.new("RGBA", (2, 2), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert at_work.upright(tmp_path / "turned.jpg").size == (2, 4)
    assert at_work.upright(tmp_path / "clear.png").getpixel((0, 0)) == (255, 255, 255)


def test_it_agrees_with_the_package_on_real_photographs(at_work, options, tmp_path):
    """The same pictures through the bundled net: the same features, and heads that are right equally often within one picture."""
    options.weights, options.net = (
        models.weights_file("efficientnet_lite0", tmp_path),
        "tf_efficientnet_lite0",
    )
    source = {"file": options.weights}
    net = timm.create_model(options.net, True, pretrained_cfg_overlay=source, num_classes=0)
    ours = models.build("efficientnet_lite0", classes=1000, pretrained=True)
    change = at_work.transforms(timm.data.resolve_model_data_config(net))
    train, test = (data.load("photographs", split) for split in ("train", "test"))
    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in test.images[:3]]
    found = net.eval()(torch.stack([change(picture) for picture in pictures])).detach()
    assert torch.allclose(found, transfer.features(ours, test.subset(range(3))), atol=1e-3)

    known, new = transfer.features(ours, train), transfer.features(ours, test)
    at_work.fit_head(net, known, train.labels, options)
    head = transfer.fit_head(known, train.labels, classes=len(train.classes), strength=0.01)
    right = [int((one(new).argmax(1) == test.labels).sum()) for one in (net.get_classifier(), head)]
    assert abs(right[0] - right[1]) <= 1, right


def test_weights_of_a_net_that_timm_does_not_know_are_refused(tmp_path):
    with pytest.raises(ValueError, match="timm does not know 'squeezenet1_1'"):
        models.weights_file("squeezenet1_1", tmp_path)


@pytest.mark.slow
def test_twenty_thousand_small_files_do_not_fill_the_memory(options, tmp_path):
    noise = np.random.default_rng(0)
    for label in "ab":
        (tmp_path / "many" / label).mkdir(parents=True)
        for number in range(10_000):
            pixels = noise.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "many" / label / f"{number}.png")
    code = f"""
import resource, runpy, sys
sys.argv = ["at_work.py", "train", "many", "--net", "{SMALL}", "--weights", r"{options.weights}"]
runpy.run_path(r"{SCRIPT}", run_name="__main__")
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert int(said.stdout.split("peak")[1]) < 1500, said.stderr[-2000:]


def test_weights_beside_it_serve_their_own_net_and_no_other(
    at_work, options, tmp_path, monkeypatch
):
    """So that `python at_work.py train FOLDER` needs no network where `start` has put both."""
    beside, taken = models.weights_file("efficientnet_lite0", tmp_path), []

    def create_model(name, pretrained, *, pretrained_cfg_overlay, num_classes):
        taken.append(pretrained_cfg_overlay["file"])
        raise InterruptedError

    monkeypatch.setattr(at_work.timm, "create_model", create_model)
    monkeypatch.setattr(at_work, "__file__", str(tmp_path / SCRIPT.name))
    options.weights = None
    for options.net in ("tf_efficientnet_lite0", "resnet18"):
        with pytest.raises(InterruptedError):
            at_work.train(options)
    assert taken == [beside, None] and 'default="tf_efficientnet_lite0"' in SCRIPT.read_text()
