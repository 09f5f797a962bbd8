"""Sets that come with the course, ImageDataset and Batches."""

import shutil
import sys

import numpy as np
import pytest
import torch
from helpers import BUNDLED_SPLITS, REPOSITORY, class_folders, fresh_python, loaded, tiny_dataset

from workshop_utils import data, evaluation, training
from workshop_utils.data import bundled_files, folders

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
    train, test = (
        {picture.numpy().tobytes() for picture in loaded(name, split).images}
        for split in ("train", "test")
    )
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
    with pytest.raises(ValueError, match='no source \'kaggle\'.*"bundled".*"full"'):
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
    yield copy


@pytest.mark.parametrize("name, split", BUNDLED_SPLITS)
def test_flipped_byte_in_a_bundled_file_is_refused_with_its_name_and_the_cure(
    bundle_copy, name, split
):
    stem = {"train": "train", "test": "t10k"}[split]
    file = (
        f"{name}.zip"
        if (bundle_copy / f"{name}.zip").exists()
        else f"{name}/{stem}-images-idx3-ubyte.gz"
    )
    raw = bytearray((bundle_copy / file).read_bytes())
    raw[len(raw) // 2] ^= 1
    (bundle_copy / file).write_bytes(raw)
    with pytest.raises(
        data.DamagedFile,
        match=f"'{file}' is damaged.*git checkout -- workshop_utils/data/bundled/{file}",
    ):
        data.load(name, split)


def test_missing_bundled_file_is_named(bundle_copy):
    (bundle_copy / "mnist" / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(data.DamagedFile, match="'mnist/train-labels-idx1-ubyte.gz' is missing"):
        data.load("mnist")


def test_missing_bundled_folder_is_answered_with_the_files_of_its_set(bundle_copy):
    shutil.rmtree(bundle_copy / "mnist")
    cure = "checkout -- workshop_utils/data/bundled/mnist/train-images-idx3-ubyte.gz"
    with pytest.raises(data.DamagedFile, match=f"mnist/train-images.* is missing.*{cure}"):
        data.load("mnist")


def test_every_bundled_file_has_a_published_sum():
    files = {
        path.relative_to(bundled_files.BUNDLED).as_posix()
        for path in bundled_files.BUNDLED.rglob("*")
        if path.is_file()
    }
    data_files = {
        name for name in files if name.endswith((".gz", ".zip", ".tsv", ".json", ".safetensors"))
    }
    assert data_files <= set(bundled_files.sums()) <= files


def test_bundle_stays_under_20_megabytes():
    assert (
        sum(path.stat().st_size for path in bundled_files.BUNDLED.rglob("*") if path.is_file())
        < 20e6
    )


# --- ImageDataset ---


def test_indexing_gives_picture_and_label_that_a_torch_loader_takes():
    dataset = tiny_dataset(2)
    images, labels = next(iter(torch.utils.data.DataLoader(dataset, batch_size=6)))
    assert torch.equal(images, dataset.images) and torch.equal(labels, dataset.labels)
    assert (
        dataset[4][1] == 1
        and isinstance(dataset[4][1], int)
        and torch.equal(dataset[4][0], dataset.images[4])
    )


def test_subset_takes_these_positions_in_this_order_and_keeps_the_statistics():
    dataset = tiny_dataset()
    part = dataset.subset([5, 0, 7])
    assert torch.equal(part.images, dataset.images[[5, 0, 7]]) and part.labels.tolist() == [2, 0, 1]
    assert torch.equal(part.mean, dataset.mean) and torch.equal(part.std, dataset.std)


@pytest.mark.parametrize("lazy", [False, True], ids=["in memory", "on disk"])
def test_subset_takes_masks_and_emptiness_and_refuses_what_is_no_position(
    tmp_path, monkeypatch, lazy
):
    class_folders(tmp_path / "pets", cats=4, dogs=4)
    monkeypatch.setattr(folders, "IN_MEMORY_AT_MOST", 0 if lazy else 1 << 30)
    dataset, _ = data.from_folder(tmp_path / "pets", size=10)
    mask = dataset.labels == 1
    part = dataset.subset(mask)
    assert part.labels.tolist() == [1, 1, 1] and torch.equal(
        part[0][0], dataset[int(mask.nonzero()[0])][0]
    )
    assert len(dataset.subset([])) == 0 and torch.equal(dataset.subset([-1])[0][0], dataset[5][0])
    for wrong in ([0.5], [6], [-7], [True, False]):
        with pytest.raises(ValueError, match="pets has the positions 0 to 5, or takes a mask of 6"):
            dataset.subset(wrong)
    for wrong, words in (
        (3, r"int64 of shape \(\), with 3 for one"),
        ([[0, 1]], r"of shape \(1, 2\)"),
        ({1, 2}, "{1, 2} for one"),
        (["a"], "with a for one"),
        ([0, 9], "with 9 for one"),
    ):
        with pytest.raises(ValueError, match=words):
            dataset.subset(wrong)
    assert torch.equal(dataset.subset(np.arange(6)[::-1])[0][0], dataset[5][0])
    assert torch.equal(dataset.subset(np.uint8([5]))[0][0], dataset[5][0])


@pytest.mark.parametrize(
    "given, words",
    [
        ({"mean": [0.5]}, "mean and std both"),
        ({"mean": [0.5] * 3, "std": [0.5] * 3}, "each of 1 channels; one of them is"),
        ({"mean": 125, "std": 50}, r"count pixels from 0 to 1.*\[125.0\]"),
        ({"mean": 0.5, "std": 0}, "std lies above 0"),
    ],
)
def test_mean_and_std_that_cannot_be_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        tiny_dataset(**given)
    assert tiny_dataset(mean=0.5, std=torch.tensor([0.25])).std.tolist() == [0.25]


def test_torchs_seed_repeats_the_order_of_batches_without_a_seed_of_their_own():
    batches = data.Batches(tiny_dataset(), 24, shuffle=True)
    order = lambda: [next(iter(batches))[1].tolist() for _ in range(2)]

    torch.manual_seed(3)
    first = order()
    torch.manual_seed(3)
    assert first == order() != order()


@pytest.mark.parametrize("k", [0, -1, 2.0])
def test_less_than_one_picture_a_class_is_refused(k):
    with pytest.raises(ValueError, match="one picture a class or more"):
        tiny_dataset().per_class(k)


def positions(part, whole):
    """Where the pictures of a part lie in the whole; the tiny set has no two alike."""
    return [
        next(i for i, other in enumerate(whole.images) if torch.equal(picture, other))
        for picture in part.images
    ]


def test_per_class_draws_k_of_each_class_and_repeats_with_its_seed():
    dataset = tiny_dataset()
    first, again, other = (
        dataset.per_class(3, seed=1),
        dataset.per_class(3, seed=1),
        dataset.per_class(3, seed=2),
    )
    assert (
        torch.bincount(first.labels).tolist() == [3, 3, 3]
        and len(set(positions(first, dataset))) == 9
    )
    assert torch.equal(first.images, again.images) and not torch.equal(first.images, other.images)


def test_per_class_beyond_what_there_is_names_the_class():
    with pytest.raises(ValueError, match="8 pictures of 'a', fewer than 9. Ask for at most 8"):
        tiny_dataset(8).per_class(9)


def test_split_off_is_stratified_disjoint_and_complete():
    dataset = tiny_dataset(8)
    rest, part = dataset.split_off(0.25, seed=3)
    assert torch.bincount(rest.labels).tolist() == [6, 6, 6] and torch.bincount(
        part.labels
    ).tolist() == [2, 2, 2]
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


@pytest.mark.parametrize(
    "images, labels, sentence",
    [
        (torch.zeros(2, 1, 4, 4), [0, 1], "must be uint8.*torch.float32 of shape"),
        (
            torch.zeros(2, 4, 4, dtype=torch.uint8),
            [0, 1],
            r"must be uint8 of shape \(N, C, H, W\).*\(2, 4, 4\)",
        ),
        (torch.zeros(2, 1, 4, 4, dtype=torch.uint8), [0], "2 pictures but 1 labels"),
        (
            torch.zeros(2, 1, 4, 4, dtype=torch.uint8),
            [0, 2],
            r"0\.\.1 for 2 classes; these go from 0 to 2",
        ),
        (torch.zeros(2, 1, 4, 4, dtype=torch.uint8), [-1, 0], "these go from -1 to 0"),
    ],
)
def test_pictures_and_labels_that_do_not_fit_are_refused(images, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        data.ImageDataset(images, torch.tensor(labels), "ab", name="wrong")


def test_arrays_of_numpy_are_read_even_turned_round_and_those_with_colours_last_are_not():
    images = np.arange(2 * 3 * 8 * 8, dtype=np.uint8).reshape(2, 3, 8, 8)
    found = data.ImageDataset(
        images[..., ::-1], [0, 1], "ab", name="x", mean=[0, 0, 0], std=[1] * 3
    )
    assert found.images.tolist() == images[..., ::-1].tolist() and found.mean.dtype == torch.float32
    for wrong in (np.moveaxis(images, 1, -1), images.astype(np.int64), images[:, 0]):
        with pytest.raises(ValueError, match=r"uint8 of shape \(N, C, H, W\).*np.moveaxis"):
            data.ImageDataset(wrong, [0, 1], "ab", name="x")


@pytest.mark.parametrize("lazy", [False, True], ids=["in memory", "on disk"])
def test_slice_list_or_mask_in_brackets_gives_a_part(tmp_path, monkeypatch, lazy):
    class_folders(tmp_path / "pets", cats=4, dogs=4)
    monkeypatch.setattr(folders, "IN_MEMORY_AT_MOST", 0 if lazy else 1 << 30)
    dataset, _ = data.from_folder(tmp_path / "pets", size=10)
    labels = dataset.labels.tolist()
    assert dataset[:5].labels.tolist() == labels[:5] and len(dataset[4:2]) == 0
    assert dataset[::-2].labels.tolist() == labels[::-2]
    assert dataset[[3, 0]].labels.tolist() == [labels[3], labels[0]]
    assert dataset[dataset.labels == 1].labels.tolist() == [1, 1, 1]
    assert dataset[np.int64(-1)][1] == labels[-1] and type(dataset[:2]) is type(dataset)
    with pytest.raises(IndexError):
        dataset[len(dataset)]


def test_repr_says_what_it_is():
    assert (
        repr(loaded("mnist", "test"))
        == "mnist, test: 1,000 pictures of 1 x 28 x 28, 10 classes, bundled"
    )


# --- Batches ---


def test_batches_are_float32_and_int64_and_the_last_is_smaller():
    batches = data.Batches(tiny_dataset(channels=3), 10)
    assert [tuple(images.shape) for images, _ in batches] == [
        (10, 3, 8, 8),
        (10, 3, 8, 8),
        (4, 3, 8, 8),
    ]
    assert {(images.dtype, labels.dtype) for images, labels in batches} == {
        (torch.float32, torch.int64)
    }
    assert len(batches) == 3


def test_batches_have_mean_0_and_standard_deviation_1_in_every_channel():
    images = torch.cat([images for images, _ in data.Batches(tiny_dataset(channels=3), 10)])
    torch.testing.assert_close(images.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        images.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-4, rtol=0
    )


def test_batches_without_shuffle_keep_the_order():
    dataset = tiny_dataset()
    assert torch.equal(
        torch.cat([labels for _, labels in data.Batches(dataset, 5)]), dataset.labels
    )


def test_shuffle_repeats_with_a_seed_whatever_else_draws_random_numbers():
    def passes(disturb):
        batches = data.Batches(tiny_dataset(), 5, shuffle=True, seed=7)
        return [
            torch.cat([images + 0 * torch.rand(1) if disturb else images for images, _ in batches])
            for _ in range(2)
        ]

    (first, second), (again, second_again) = passes(False), passes(True)
    assert torch.equal(first, again) and torch.equal(second, second_again)
    assert not torch.equal(first, second)


def test_shuffled_pass_reads_every_picture_once_with_its_own_label():
    dataset = tiny_dataset()
    parts = list(
        data.Batches(dataset, 5, shuffle=True, seed=1, preprocess=lambda images: images.float())
    )
    pairs = {
        (image.numpy().tobytes(), int(label))
        for images, labels in parts
        for image, label in zip(images, labels)
    }
    assert pairs == {
        (dataset[i][0].float().numpy().tobytes(), dataset[i][1]) for i in range(len(dataset))
    }


def test_preprocess_gets_uint8_and_augment_gets_what_it_made():
    seen = []

    def preprocess(images):
        seen.append(images.dtype)
        return images.float() + 1

    dataset = tiny_dataset()
    images, _ = next(
        iter(data.Batches(dataset, 4, preprocess=preprocess, augment=lambda images: images * 2))
    )
    assert seen == [torch.uint8] and torch.equal(images, (dataset.images[:4].float() + 1) * 2)


def test_empty_set_and_empty_batches_are_refused():
    with pytest.raises(ValueError, match="nothing to read: tiny, train: 0 pictures"):
        data.Batches(tiny_dataset().subset(torch.arange(0)), 4)
    with pytest.raises(ValueError, match="batch_size is 0"):
        data.Batches(tiny_dataset(), 0)


# --- augmentation ---

GRID = torch.arange(2 * 3 * 6 * 5, dtype=torch.float32).view(2, 3, 6, 5)


def test_crop_shows_each_picture_shifted_by_its_own_few_pixels():
    torch.manual_seed(0)
    images = GRID.repeat(40, 1, 1, 1) + 1
    shifted = data.augmentation(crop=2)(images)
    found = set()
    for image, other in zip(images, shifted):
        padded = torch.nn.functional.pad(image, [2] * 4)
        places = [
            (row, column)
            for row in range(5)
            for column in range(5)
            if torch.equal(padded[:, row : row + 6, column : column + 5], other)
        ]
        assert len(places) == 1
        found.update(places)
    assert len(found) > 15  # of 25 shifts, in 80 pictures


def test_flip_mirrors_about_half_and_leaves_the_others():
    torch.manual_seed(0)
    images = GRID.repeat(100, 1, 1, 1)
    flipped = data.augmentation(flip=True)(images)
    mirrored = [torch.equal(other, image.flip(-1)) for image, other in zip(images, flipped)]
    same = [torch.equal(other, image) for image, other in zip(images, flipped)]
    assert all(a != b for a, b in zip(mirrored, same)) and 70 < sum(mirrored) < 130


def test_rotation_turns_a_bar_by_no_more_than_was_asked_for():
    torch.manual_seed(0)
    bar = torch.zeros(64, 1, 41, 41)
    bar[:, :, 20, 5:36] = 1  # level
    rows, columns = torch.meshgrid(torch.arange(41.0) - 20, torch.arange(41.0) - 20, indexing="ij")
    turned = data.augmentation(rotate=30)(bar)[:, 0]
    slopes = (turned * rows * columns).sum((1, 2)) / (turned * columns**2).sum((1, 2))
    angles = slopes.atan().rad2deg()
    assert angles.abs().max() < 31 and angles.min() < -20 and angles.max() > 20


def test_rotation_keeps_right_angles_in_a_wide_picture():
    """A square mark in a 21 x 41 picture has the same number of bright pixels, whichever way it is turned."""
    torch.manual_seed(0)
    image = torch.zeros(32, 1, 21, 41)
    image[:, :, 7:14, 17:24] = 1
    area = data.augmentation(rotate=90)(image).sum((1, 2, 3))
    assert (area - 49).abs().max() < 3


def test_jitter_changes_brightness_and_contrast_but_not_the_order_of_greys():
    torch.manual_seed(0)
    images = GRID[:, :1].repeat(20, 1, 1, 1) / 100
    changed = data.augmentation(jitter=0.4)(images)
    assert torch.equal(changed.flatten(1).argsort(1), images.flatten(1).argsort(1))
    assert changed.mean((1, 2, 3)).std() > images.mean((1, 2, 3)).std() and not torch.equal(
        changed, images
    )


def test_augmentation_repeats_with_torchs_seed_and_differs_without():
    change = data.augmentation(crop=2, flip=True, rotate=10, jitter=0.2)
    torch.manual_seed(1)
    first, other = change(GRID), change(GRID)
    torch.manual_seed(1)
    assert torch.equal(change(GRID), first) and not torch.equal(first, other)


def test_everything_switched_off_changes_nothing():
    assert data.augmentation()(GRID) is GRID


def test_batch_without_pictures_is_handed_back():
    change = data.augmentation(crop=2, flip=True, rotate=10, jitter=0.2)
    assert change(GRID[:0]).shape == (0, 3, 6, 5)


@pytest.mark.parametrize(
    "wrong", [{"crop": -1}, {"crop": 0.5}, {"rotate": 200}, {"rotate": -1}, {"jitter": 1.5}]
)
def test_augmentation_out_of_range_is_refused(wrong):
    with pytest.raises(
        ValueError, match="crop counts pixels, rotate lies in 0..180 degrees, jitter in 0..1"
    ):
        data.augmentation(**wrong)


# --- sets that stay on disk ---


@pytest.fixture
def big_folder(tmp_path, monkeypatch):
    """A folder that counts as too big for the memory, and the same pictures in memory."""
    folder = class_folders(tmp_path / "pets", cats=8, dogs=8)
    monkeypatch.setattr(folders, "IN_MEMORY_AT_MOST", 16 * 3 * 10 * 10)
    in_memory = data.from_folder(folder, size=10)
    monkeypatch.setattr(folders, "IN_MEMORY_AT_MOST", 16 * 3 * 10 * 10 - 1)
    return data.from_folder(folder, size=10), in_memory


def test_folder_too_big_for_the_memory_stays_on_disk_with_the_same_split(big_folder):
    for lazy, held in zip(*big_folder):
        assert (
            isinstance(lazy, data.LazyImageDataset)
            and torch.equal(lazy.labels, held.labels)
            and repr(lazy) == repr(held)
        )
        assert all(
            torch.equal(lazy[place][0], held.images[place]) and lazy[place][1] == held[place][1]
            for place in range(len(held))
        )
        torch.testing.assert_close(lazy.mean, held.mean)
        assert torch.equal(lazy.in_memory().images, held.images)


@pytest.mark.parametrize("platform", [sys.platform, "win32"])
@pytest.mark.parametrize("count", [8, 80], ids=["few", "many"])
def test_lazy_batches_are_those_of_the_memory_with_and_without_workers(
    tmp_path, monkeypatch, platform, count
):
    folder = class_folders(tmp_path / "pets", cats=count, dogs=count)
    held, _ = data.from_folder(folder, size=10)
    monkeypatch.setattr(folders, "IN_MEMORY_AT_MOST", 0)
    lazy, _ = data.from_folder(folder, size=10)
    monkeypatch.setattr(sys, "platform", platform)
    batches = (
        data.Batches(part, 5, shuffle=True, seed=3, preprocess=lambda images: images)
        for part in (lazy, held)
    )
    for (images, labels), (expected, numbers) in zip(*batches, strict=True):
        assert torch.equal(images, expected) and torch.equal(labels, numbers)


def test_parts_of_a_lazy_set_stay_lazy(big_folder):
    (lazy, _), _ = big_folder
    part = lazy.per_class(2, seed=1)
    rest, other = part.split_off(0.5)
    assert (
        isinstance(part, data.LazyImageDataset)
        and part.labels.bincount().tolist() == [2, 2]
        and (len(rest), len(other)) == (2, 2)
    )


def test_net_is_trained_and_judged_on_a_lazy_set(big_folder):
    (train, test), _ = big_folder
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(300, 2))
    training.fit(net, train, epochs=5, learning_rate=0.01)
    assert evaluation.evaluate(evaluation.predict(net, test)).accuracy == 1


def test_unreadable_picture_of_a_lazy_set_is_named_when_its_turn_comes(big_folder, tmp_path):
    (lazy, _), _ = big_folder
    name, _ = lazy.files[3]
    (tmp_path / "pets" / name).write_bytes(b"no picture")
    with pytest.raises(
        data.DamagedFile,
        match=f"Picture 3 of pets, '{name}', cannot be read.*Leave it out with .subset",
    ):
        lazy[3]
    with pytest.raises(data.DamagedFile, match=f"Picture 3 of pets, '{name}', cannot be read"):
        list(data.Batches(lazy, 4))


# --- the package ---


def test_importing_the_package_loads_nothing_heavy():
    result = fresh_python(
        "import sys, workshop_utils; print([m for m in ('torch', 'sklearn', 'matplotlib', 'timm', 'ipywidgets') if m in sys.modules])"
    )
    assert result.stdout.strip() == "[]", result.stderr


def test_unknown_part_of_the_package_is_answered_with_those_that_exist():
    import workshop_utils

    with pytest.raises(AttributeError, match="no part called 'trainig'. It has: .*training"):
        _ = workshop_utils.trainig


def test_table_of_sets_shows_the_catalogue_as_it_is():
    assert data.catalog().markdown() in (REPOSITORY / "docs/data.md").read_text("utf-8")


# --- what was taken out, and boxes ---


def test_every_twin_is_a_drawing_of_clip_art_and_no_rejected_picture_is_mislaid():
    kept = torch.cat([loaded("clip-art").images, loaded("clip-art", "test").images])
    found = data.rejected()
    twins = [one for one in found if one.twin is not None]
    assert (
        len(found) == 33
        and len(twins) == 24
        and all(one.label in loaded("clip-art").classes and one.reason for one in found)
    )
    assert all(
        (kept == one.twin).all((1, 2, 3)).sum() == 1 and one.picture.shape == (3, 128, 128)
        for one in twins
    )


def test_rejected_pictures_are_never_loaded():
    kept = torch.cat([loaded("clip-art").images, loaded("clip-art", "test").images])
    assert not any(
        (kept == one.picture).all((1, 2, 3)).any()
        for one in data.rejected()
        if one.twin is not None and "another name" not in one.reason
    )


def test_photograph_has_its_boxes_and_an_unknown_one_is_answered_with_the_nearest():
    assert len(data.imagenet.boxes(data.photo_annotation("cocker spaniel"))) == 2
    with pytest.raises(ValueError, match="Did you mean 'tabby'"):
        data.photo_annotation("taby")
