"""Sets that come with the course, the IDX reader, ImageDataset, Batches and ImageNet's words."""

import gzip
import shutil
import struct

import numpy as np
import pytest
import torch
import torchvision
from helpers import BUNDLED_SPLITS, TESTDATA, fresh_python, loaded, needs_testdata, tiny_dataset
from hypothesis import given
from hypothesis import strategies as st

from workshop_utils import data
from workshop_utils.data import bundled_files, formats

WITH_BOTH_SPLITS = [name for name, split in BUNDLED_SPLITS if split == "test"]


# --- sets that come with the course ---

@pytest.mark.parametrize("name, split", BUNDLED_SPLITS)
def test_bundled_set_is_what_its_card_says(name, split):
    dataset, card = loaded(name, split), data.card(name)
    assert len(dataset) == len(dataset.images) == dict(zip(("train", "test"), card.bundled))[split]
    assert tuple(dataset.images.shape[1:]) == card.shape
    assert (dataset.images.dtype, dataset.labels.dtype) == (torch.uint8, torch.int64)
    assert (dataset.name, dataset.split, dataset.source) == (name, split, "bundled")
    assert dataset.classes == card.classes


@pytest.mark.parametrize("name, split", BUNDLED_SPLITS)
def test_bundled_set_has_pictures_of_every_class_and_none_is_blank(name, split):
    dataset = loaded(name, split)
    assert set(dataset.labels.tolist()) == set(range(len(dataset.classes)))
    assert (dataset.images.flatten(1).float().std(1) > 1).all()


@pytest.mark.parametrize("name, split", [case for case in BUNDLED_SPLITS if "mnist" in case[0]])
def test_cuts_of_mnist_and_fashion_mnist_are_balanced(name, split):
    dataset = loaded(name, split)
    assert torch.bincount(dataset.labels).tolist() == [len(dataset) // 10] * 10


@pytest.mark.parametrize("name", WITH_BOTH_SPLITS)
def test_no_picture_is_in_train_and_test(name):
    train, test = ({picture.numpy().tobytes() for picture in loaded(name, split).images} for split in ("train", "test"))
    assert not train & test


@pytest.mark.parametrize("name, split", BUNDLED_SPLITS)
def test_mean_and_std_are_those_of_the_train_pixels(name, split):
    dataset = loaded(name, split)
    pixels = loaded(name, "train").images.numpy() / 255
    np.testing.assert_allclose(dataset.mean, pixels.mean((0, 2, 3)), atol=1e-5)
    np.testing.assert_allclose(dataset.std, pixels.std((0, 2, 3)), atol=1e-5)


def test_misspelt_dataset_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'fashion-mnist'"):
        data.load("fasion-mnist")


def test_unknown_split_is_answered_with_those_that_exist():
    with pytest.raises(ValueError, match="no split 'validation'. It has: train, test"):
        data.load("mnist", "validation")


def test_unknown_source_is_answered_with_the_one_that_exists():
    with pytest.raises(ValueError, match="no source 'kaggle'.*\"bundled\""):
        data.load("mnist", source="kaggle")


def test_catalog_shows_every_set_with_its_licence_in_a_notebook():
    html = data.catalog()._repr_html_()
    assert all(card.name in html and card.licence in html for card in data.catalog())


@pytest.fixture
def bundle_copy(tmp_path, monkeypatch):
    """A copy of the bundled files that a test may harm."""
    copy = tmp_path / "workshop_utils" / "data" / "bundled"
    shutil.copytree(bundled_files.BUNDLED, copy)
    monkeypatch.setattr(bundled_files, "BUNDLED", copy)
    bundled_files._sums.cache_clear()
    yield copy
    bundled_files._sums.cache_clear()


@pytest.mark.parametrize("name, split", BUNDLED_SPLITS)
def test_flipped_byte_in_a_bundled_file_is_refused_with_its_name_and_the_cure(bundle_copy, name, split):
    stem = {"train": "train", "test": "t10k"}[split]
    file = f"{name}.zip" if (bundle_copy / f"{name}.zip").exists() else f"{name}/{stem}-images-idx3-ubyte.gz"
    raw = bytearray((bundle_copy / file).read_bytes())
    raw[len(raw) // 2] ^= 1
    (bundle_copy / file).write_bytes(raw)
    with pytest.raises(data.DamagedFile, match=f"'{file}' is damaged.*git checkout -- workshop_utils/data/bundled/{file}"):
        data.load(name, split)


def test_missing_bundled_file_is_named(bundle_copy):
    (bundle_copy / "mnist" / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(data.DamagedFile, match="'mnist/train-labels-idx1-ubyte.gz' is missing"):
        data.load("mnist")


def test_every_bundled_file_has_a_published_sum():
    files = {path.relative_to(bundled_files.BUNDLED).as_posix() for path in bundled_files.BUNDLED.rglob("*") if path.is_file()}
    data_files = {name for name in files if name.endswith((".gz", ".zip", ".tsv", ".json"))}
    assert data_files <= set(bundled_files._sums()) <= files


def test_bundle_stays_under_12_megabytes():
    assert sum(path.stat().st_size for path in bundled_files.BUNDLED.rglob("*") if path.is_file()) < 12e6


# --- the IDX reader ---

def idx(values: np.ndarray) -> bytes:
    """An IDX file as the format's page describes it."""
    return bytes([0, 0, 8, values.ndim]) + b"".join(struct.pack(">I", side) for side in values.shape) + values.tobytes()


VALUES = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize("values", [VALUES, VALUES[:, 0, 0], VALUES[:1]], ids=["pictures", "labels", "one picture"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_idx_reader_agrees_with_torchvisions(tmp_path, values, pack):
    (tmp_path / "file").write_bytes(idx(values))
    oracle = torchvision.datasets.mnist.read_sn3_pascalvincent_tensor(str(tmp_path / "file"), strict=False)
    assert torch.equal(formats.read_idx(pack(idx(values)), "file"), oracle)


@needs_testdata
@pytest.mark.parametrize("train, stem", [(True, "train"), (False, "t10k")])
def test_idx_reader_agrees_with_torchvision_on_official_mnist_files(tmp_path, train, stem):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in (TESTDATA / "mnist/MNIST/raw").glob("*.gz"):
        (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    oracle = torchvision.datasets.MNIST(tmp_path, train=train, download=False)
    read = {kind: formats.read_idx((TESTDATA / f"mnist/MNIST/raw/{stem}-{kind}-ubyte.gz").read_bytes(), stem)
            for kind in ("images-idx3", "labels-idx1")}
    assert torch.equal(read["images-idx3"], oracle.data) and torch.equal(read["labels-idx1"].long(), oracle.targets)


@pytest.mark.parametrize("raw", [
    idx(VALUES)[:-1], idx(VALUES) + b"x", idx(VALUES)[:7], idx(VALUES)[:16], b"", b"\0\0\x08", b"\0\0\x0d" + idx(VALUES)[3:], b"PNG" + idx(VALUES),
    gzip.compress(idx(VALUES))[:-9], gzip.compress(idx(VALUES)[:-1]), b"\x1f\x8b" + idx(VALUES),
], ids=["a byte short", "a byte long", "cut header", "no values", "empty", "three bytes", "floats", "another format", "cut gzip", "cut inside gzip", "no gzip"])
def test_damaged_idx_file_is_refused_by_name(raw):
    with pytest.raises(data.DamagedFile, match="'labels.gz'.*Get it again"):
        formats.read_idx(raw, "labels.gz")


@given(st.one_of(st.binary(max_size=64), st.binary(max_size=64).map(lambda tail: b"\0\0\x08" + tail), st.binary(max_size=64).map(lambda tail: b"\x1f\x8b\x08" + tail)))
def test_arbitrary_bytes_give_a_tensor_or_the_sentence_and_nothing_else(raw):
    try:
        assert formats.read_idx(raw, "file").numel() > 0
    except data.DamagedFile:
        pass


# --- ImageDataset ---

def test_indexing_gives_picture_and_label_that_a_torch_loader_takes():
    dataset = tiny_dataset(2)
    images, labels = next(iter(torch.utils.data.DataLoader(dataset, batch_size=6)))
    assert torch.equal(images, dataset.images) and torch.equal(labels, dataset.labels)
    assert dataset[4][1] == 1 and isinstance(dataset[4][1], int) and torch.equal(dataset[4][0], dataset.images[4])


def test_subset_takes_these_positions_in_this_order_and_keeps_the_statistics():
    dataset = tiny_dataset()
    part = dataset.subset([5, 0, 7])
    assert torch.equal(part.images, dataset.images[[5, 0, 7]]) and part.labels.tolist() == [2, 0, 1]
    assert torch.equal(part.mean, dataset.mean) and torch.equal(part.std, dataset.std)


def positions(part, whole):
    """Where the pictures of a part lie in the whole; the tiny set has no two alike."""
    return [next(i for i, other in enumerate(whole.images) if torch.equal(picture, other)) for picture in part.images]


def test_per_class_draws_k_of_each_class_and_repeats_with_its_seed():
    dataset = tiny_dataset()
    first, again, other = dataset.per_class(3, seed=1), dataset.per_class(3, seed=1), dataset.per_class(3, seed=2)
    assert torch.bincount(first.labels).tolist() == [3, 3, 3] and len(set(positions(first, dataset))) == 9
    assert torch.equal(first.images, again.images) and not torch.equal(first.images, other.images)


def test_per_class_beyond_what_there_is_names_the_class():
    with pytest.raises(ValueError, match="8 pictures of 'a', fewer than 9. Ask for at most 8"):
        tiny_dataset(8).per_class(9)


def test_split_off_is_stratified_disjoint_and_complete():
    dataset = tiny_dataset(8)
    rest, part = dataset.split_off(0.25, seed=3)
    assert torch.bincount(rest.labels).tolist() == [6, 6, 6] and torch.bincount(part.labels).tolist() == [2, 2, 2]
    assert sorted(positions(rest, dataset) + positions(part, dataset)) == list(range(24))


def test_split_off_repeats_with_its_seed_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, again = (tiny_dataset().split_off(0.25, seed=3)[1] for _ in range(2))
    assert torch.equal(first.images, again.images) and torch.equal(torch.rand(1), expected)


def test_split_off_leaves_both_parts_a_picture_of_every_class_that_has_two():
    for part in tiny_dataset(2).split_off(0.2):
        assert torch.bincount(part.labels, minlength=3).tolist() == [1, 1, 1]


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 20])
def test_fraction_outside_0_to_1_is_refused(fraction):
    with pytest.raises(ValueError, match=f"between 0 and 1.*this is {fraction}"):
        tiny_dataset().split_off(fraction)


@pytest.mark.parametrize("images, labels, sentence", [
    (torch.zeros(2, 1, 4, 4), [0, 1], "must be uint8.*torch.float32 of shape"),
    (torch.zeros(2, 4, 4, dtype=torch.uint8), [0, 1], r"must be uint8 of shape \(N, C, H, W\).*\(2, 4, 4\)"),
    (torch.zeros(2, 1, 4, 4, dtype=torch.uint8), [0], "2 pictures but 1 labels"),
    (torch.zeros(2, 1, 4, 4, dtype=torch.uint8), [0, 2], r"0\.\.1 for 2 classes; these go from 0 to 2"),
    (torch.zeros(2, 1, 4, 4, dtype=torch.uint8), [-1, 0], "these go from -1 to 0"),
])
def test_pictures_and_labels_that_do_not_fit_are_refused(images, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        data.ImageDataset(images, torch.tensor(labels), "ab", name="wrong")


def test_repr_says_what_it_is():
    assert repr(loaded("mnist", "test")) == "mnist, test: 1,000 pictures of 1 x 28 x 28, 10 classes, bundled"


# --- Batches ---

def test_batches_are_float32_and_int64_and_the_last_is_smaller():
    batches = data.Batches(tiny_dataset(channels=3), 10)
    assert [tuple(images.shape) for images, _ in batches] == [(10, 3, 8, 8), (10, 3, 8, 8), (4, 3, 8, 8)]
    assert {(images.dtype, labels.dtype) for images, labels in batches} == {(torch.float32, torch.int64)}
    assert len(batches) == 3


def test_batches_have_mean_0_and_standard_deviation_1_in_every_channel():
    images = torch.cat([images for images, _ in data.Batches(tiny_dataset(channels=3), 10)])
    torch.testing.assert_close(images.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(images.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-4, rtol=0)


def test_batches_without_shuffle_keep_the_order():
    dataset = tiny_dataset()
    assert torch.equal(torch.cat([labels for _, labels in data.Batches(dataset, 5)]), dataset.labels)


def test_shuffle_repeats_with_a_seed_whatever_else_draws_random_numbers():
    def passes(disturb):
        batches = data.Batches(tiny_dataset(), 5, shuffle=True, seed=7)
        return [torch.cat([images + 0 * torch.rand(1) if disturb else images for images, _ in batches]) for _ in range(2)]
    (first, second), (again, second_again) = passes(False), passes(True)
    assert torch.equal(first, again) and torch.equal(second, second_again)
    assert not torch.equal(first, second)


def test_shuffled_pass_reads_every_picture_once_with_its_own_label():
    dataset = tiny_dataset()
    parts = list(data.Batches(dataset, 5, shuffle=True, seed=1, preprocess=lambda images: images.float()))
    pairs = {(image.numpy().tobytes(), int(label)) for images, labels in parts for image, label in zip(images, labels)}
    assert pairs == {(dataset[i][0].float().numpy().tobytes(), dataset[i][1]) for i in range(len(dataset))}


def test_preprocess_gets_uint8_and_augment_gets_what_it_made():
    seen = []
    def preprocess(images):
        seen.append(images.dtype)
        return images.float() + 1
    dataset = tiny_dataset()
    images, _ = next(iter(data.Batches(dataset, 4, preprocess=preprocess, augment=lambda images: images * 2)))
    assert seen == [torch.uint8] and torch.equal(images, (dataset.images[:4].float() + 1) * 2)


def test_empty_set_and_empty_batches_are_refused():
    with pytest.raises(ValueError, match="nothing to read: tiny, train: 0 pictures"):
        data.Batches(tiny_dataset().subset(torch.arange(0)), 4)
    with pytest.raises(ValueError, match="batch_size is 0"):
        data.Batches(tiny_dataset(), 0)


# --- ImageNet's words ---

def test_there_are_1000_different_wnids_and_names_in_one_order():
    wnids, names = data.imagenet.wnids(), data.imagenet.class_names()
    assert len(set(wnids)) == len(wnids) == len(names) == 1000
    assert (wnids[281], names[281]) == ("n02123045", "tabby") and wnids == sorted(wnids)


def test_every_path_begins_with_its_class_and_ends_in_entity():
    for wnid, name in zip(data.imagenet.wnids(), data.imagenet.class_names()):
        paths = data.imagenet.paths(wnid)
        assert paths and all(path[-1] == "entity" and len(path) > 2 for path in paths), name
        assert len({tuple(path) for path in paths}) == len(paths)


def test_dog_has_two_paths_for_it_is_a_canine_and_a_domestic_animal():
    first, second = (set(path) for path in data.imagenet.paths("n02084071"))
    assert {"canine", "domestic animal"} <= first ^ second


def test_unknown_wnid_is_answered_with_where_they_are_listed():
    with pytest.raises(ValueError, match=r"No ImageNet synset is called 'n99999999'.*imagenet.wnids\(\)"):
        data.imagenet.paths("n99999999")


@needs_testdata
def test_wnids_agree_with_the_official_index():
    import json
    official = json.loads((TESTDATA / "imagenet_meta/imagenet_class_index.json").read_text())
    assert data.imagenet.wnids() == [official[str(index)][0] for index in range(1000)]


# --- the package ---

def test_importing_the_package_loads_nothing_heavy():
    result = fresh_python("import sys, workshop_utils; print([m for m in ('torch', 'sklearn', 'matplotlib', 'timm', 'ipywidgets') if m in sys.modules])")
    assert result.stdout.strip() == "[]", result.stderr


def test_loading_data_needs_neither_timm_nor_scikit_learn_nor_matplotlib():
    code = "import sys; from workshop_utils import data; data.load('mnist', 'test'); print([m for m in ('sklearn', 'matplotlib', 'timm', 'ipywidgets') if m in sys.modules])"
    assert fresh_python(code).stdout.strip() == "[]"


def test_unknown_part_of_the_package_is_answered_with_those_that_exist():
    import workshop_utils
    with pytest.raises(AttributeError, match="no part called 'trainig'. It has: .*training"):
        workshop_utils.trainig
