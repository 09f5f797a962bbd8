"""Files that nobody has labelled, classified in one call."""

import numpy as np
import pytest
import torch
from helpers import class_folders, file_bytes, photo
from PIL import Image
from torch import nn

from workshop_utils import data, evaluation, models, transfer
from workshop_utils.progress import watched_by

SIDE = 16


def made(threshold: float = 0.0, classes=("cats", "dogs", "hens")) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, len(classes)))
    net.preprocess = models.preprocessing(resize=20, crop=SIDE, mean=[0.5] * 3, std=[0.1] * 3)
    net.classes, net.threshold = classes, threshold
    return net


def one_by_one(net, picture: Image.Image) -> torch.Tensor:
    with torch.inference_mode():
        return net(net.preprocess(picture)[None])[0].softmax(0)


def test_folder_without_labels_is_answered_as_its_pictures_are_with_labels(tmp_path):
    class_folders(tmp_path / "pets", cats=9, dogs=4)
    net = made(classes=("cats", "dogs"))
    everything, _ = data.from_folder(tmp_path / "pets", size=net.preprocess.resize, test_fraction=0)
    expected = evaluation.predict(net, everything)
    rows = transfer.classify(net, tmp_path / "pets")
    assert [row.predicted for row in rows] == [net.classes[i] for i in expected.predicted]
    assert np.allclose([row.probability for row in rows], expected.probabilities.max(1))


@pytest.mark.parametrize("given", [photo(20, 20), [photo(20, 20)], 5, torch.zeros(3, 8, 8)])
def test_picture_in_memory_is_told_how_to_be_asked_about(given):
    with pytest.raises(ValueError, match="reads files: give their paths"):
        transfer.classify(made(), given)


def test_classes_may_be_an_array(tmp_path):
    class_folders(tmp_path / "pets", cats=2)
    (rows, expected) = (
        transfer.classify(made(classes=kind(["cats", "dogs"])), tmp_path / "pets")
        for kind in (np.array, list)
    )
    assert [*rows] == [*expected]


def test_bar_of_many_pictures_comes_to_its_end(tmp_path):
    class_folders(tmp_path / "pets", cats=40)
    told = []
    with watched_by(lambda _, done, total: told.append((done, total))):
        transfer.classify(made(), tmp_path / "pets")
    assert told[-1][0] == told[-1][1] > 1


def test_each_row_names_a_file_that_can_be_opened(tmp_path):
    class_folders(tmp_path / "only" / "one", cats=2)
    (tmp_path / "only" / "one" / "loose.PNG").write_bytes(file_bytes(photo()))
    files = [row.file for row in transfer.classify(made(), tmp_path / "only")]
    assert len(files) == 3 and all(Image.open(file).size for file in files)


@pytest.mark.parametrize("size", [(320, 200), (5, 90), (20, 20)])
def test_photograph_of_any_size_is_classified_upright(tmp_path, size):
    net, picture = made(), photo(*size)
    notes = Image.Exif()
    notes[274] = 6  # to be turned by a quarter
    lying = picture.transpose(Image.Transpose.ROTATE_90)
    (tmp_path / "a.png").write_bytes(file_bytes(lying, exif=notes))
    (row,) = transfer.classify(net, tmp_path / "a.png")
    expected = one_by_one(net, picture)
    assert row.predicted == net.classes[expected.argmax()]
    assert row.probability == pytest.approx(float(expected.max()), abs=0.05)


def test_damaged_file_is_named_and_the_others_are_answered(tmp_path, capsys):
    for name in "abcdefghijk":
        (tmp_path / f"{name}.png").write_bytes(file_bytes(photo()))
    (tmp_path / "c.png").write_bytes(b"no picture")
    (tmp_path / "x.heic").write_bytes(b"another format")
    rows = transfer.classify(made(), tmp_path)
    assert [row.file[-5] for row in rows] == list("abdefghijk")
    said = capsys.readouterr().out
    assert "c.png' cannot be read as a picture" in said and ".heic is not read here" in said


def test_several_paths_are_answered_in_their_order(tmp_path):
    (tmp_path / "z.png").write_bytes(file_bytes(photo()))
    class_folders(tmp_path / "pets", cats=2)
    rows = transfer.classify(made(), [tmp_path / "z.png", str(tmp_path / "pets")])
    assert [row.file.removeprefix(tmp_path.as_posix()) for row in rows] == [
        "/z.png",
        "/pets/cats/0.png",
        "/pets/cats/1.png",
    ]


def test_what_does_not_reach_the_threshold_looks_like_none(tmp_path):
    (tmp_path / "a.png").write_bytes(file_bytes(photo()))
    for threshold, remark in ((0.0, ""), (1.0, "none looks likely")):
        rows = transfer.classify(made(threshold), tmp_path)
        assert rows[0].likely is not bool(remark)
        assert repr(rows).split("\n")[1].endswith(remark or f"{rows[0].probability:.3f}")


def test_net_stays_in_its_mode(tmp_path):
    (tmp_path / "a.png").write_bytes(file_bytes(photo()))
    net = made().train()
    transfer.classify(net, tmp_path)
    assert net.training


def test_path_that_is_not_there_and_folder_without_a_picture_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file and no folder '.*nowhere'"):
        transfer.classify(made(), tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"There is no picture to classify\."):
        transfer.classify(made(), tmp_path)
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"no picture to classify\. Left out: '.*a.png' cannot"):
        transfer.classify(made(), tmp_path)


def test_net_that_does_not_know_its_classes_or_answers_otherwise_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(file_bytes(photo()))
    with pytest.raises(ValueError, match="does not know its .classes and its .preprocess"):
        transfer.classify(nn.Flatten(), tmp_path)
    net = made()
    net.classes = ("cats", "dogs")
    with pytest.raises(ValueError, match=r"has 2 classes, but answers with \(3,\) scores"):
        transfer.classify(net, tmp_path)
