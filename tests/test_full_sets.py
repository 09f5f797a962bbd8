"""Full sets in people's own folders: packed or not, whole, cut or damaged; and Medical MNIST, decoded once."""

import gzip
import hashlib
import io
import os
import pickle
import shutil
import tarfile
from zipfile import ZipFile

import numpy as np
import pytest
import torch
import torchvision
from helpers import TESTDATA, file_bytes, idx, needs_testdata, photo
from PIL import Image
from servers import change_card, published, serve, server

from workshop_utils import data
from workshop_utils.data.cards import RemoteFile
from workshop_utils.data.sets import medical

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """No test may look into, or write into, the cache of whoever runs it, or ask the network."""
    monkeypatch.setenv("WORKSHOP_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("WORKSHOP_MIRROR", "http://127.0.0.1:1")
    return tmp_path / "home"


@pytest.fixture
def fashion(tmp_path, monkeypatch):
    """A folder with four small files that are, for this test, the published ones."""
    folder = tmp_path / "mine"
    folder.mkdir()
    files = []
    for stem, count in (("train", 20), ("t10k", 10)):
        for kind, values in (
            ("images-idx3", RANDOM.integers(0, 256, (count, 28, 28), dtype=np.uint8)),
            ("labels-idx1", np.arange(count, dtype=np.uint8) % 10),
        ):
            name = f"{stem}-{kind}-ubyte.gz"
            (folder / name).write_bytes(gzip.compress(idx(values)))
            files.append(published(name, (folder / name).read_bytes()))
    change_card(monkeypatch, "fashion-mnist", files=tuple(files), train=20, test=10)
    return folder


def pixels(folder, name="fashion-mnist", split="train", **options):
    return data.load(name, split, source="full", root=folder, **options).images


def unpack(folder):
    for path in folder.glob("*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()


def repack(folder):
    for path in folder.glob("*.gz"):
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1, mtime=1))


def dotted(folder):
    unpack(folder)
    for path in folder.iterdir():
        path.rename(folder / path.name.replace("-idx", ".IDX"))


def twice(folder):
    for path in folder.iterdir():
        path.rename(folder / path.name.replace(".gz", " (1).gz"))


def kept_gz(folder):
    for path in folder.iterdir():
        path.write_bytes(gzip.decompress(path.read_bytes()))


def nest(folder):
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for path in folder.glob("*.gz"):
        shutil.move(path, raw)


def copied(folder):
    for path in folder.iterdir():
        path.rename(folder / f"Copy of {path.name}")


def zipped_anew(folder):
    """One zip of another name, with what macOS adds, in place of the files."""
    with ZipFile(folder / "clothes.zip", "w") as archive:
        for path in folder.glob("*.gz"):
            archive.write(path, f"data/{path.name}")
            archive.writestr(f"__MACOSX/data/._{path.name}", b"\0\5\x16\7")
            path.unlink()


def with_macos_shadows(folder):
    for path in list(folder.iterdir()):
        (folder / f"._{path.name}").write_bytes(b"\0\5\x16\7")


def misnamed(folder):
    """Train and test were swapped: the sums say so."""
    for path in list(folder.glob("train*")):
        other = folder / path.name.replace("train", "t10k")
        path.rename(folder / "aside")
        other.rename(path)
        (folder / "aside").rename(other)


@pytest.mark.parametrize(
    "change",
    [
        *(lambda folder: None, unpack, repack, nest, dotted, twice, kept_gz),
        *(copied, zipped_anew, with_macos_shadows, misnamed),
    ],
    ids=[
        "as published",
        "unpacked",
        "other gzip headers",
        "in torchvision's folders",
        "with a dot",
        "downloaded twice",
        "unpacked by a browser",
        "copied",
        "in a zip of another name",
        "beside macOS's hidden files",
        "train and test swapped",
    ],
)
def test_files_in_ones_own_folder_are_found_in_every_packaging(fashion, change, capsys):
    expected = pixels(fashion)
    change(fashion)
    assert torch.equal(pixels(fashion), expected) and tuple(expected.shape) == (20, 1, 28, 28)
    assert "as published" not in capsys.readouterr().out


def test_reading_ones_own_folder_writes_nothing_into_it(fashion):
    before = sorted(path.name for path in fashion.rglob("*"))
    pixels(fashion)
    assert sorted(path.name for path in fashion.rglob("*")) == before


def test_files_put_into_the_cache_folder_by_hand_are_used(fashion, home):
    (home / "fashion-mnist").mkdir(parents=True)
    unpack(fashion)
    for path in fashion.iterdir():
        shutil.move(path, home / "fashion-mnist")
    assert len(data.load("fashion-mnist", source="full")) == 20


def test_smaller_cut_is_read_and_announced_once(fashion, capsys):
    for kind, values in (
        ("images-idx3", np.zeros((4, 28, 28), np.uint8)),
        ("labels-idx1", np.arange(4, dtype=np.uint8)),
    ):
        (fashion / f"train-{kind}-ubyte.gz").write_bytes(gzip.compress(idx(values)))
    assert len(pixels(fashion)) == 4
    assert (
        f"Not as published, and read as it is, in '{fashion}': train-images-idx3-ubyte, train-labels-idx1-ubyte. 4 train pictures instead of 20."
        in capsys.readouterr().out
    )
    pixels(fashion, split="test")
    assert "Not as published" not in capsys.readouterr().out


def test_file_of_the_right_count_with_another_sum_is_read_with_a_warning(fashion):
    name = "train-images-idx3-ubyte"
    raw = bytearray(gzip.decompress((fashion / f"{name}.gz").read_bytes()))
    raw[500] ^= 1
    (fashion / f"{name}.gz").write_bytes(gzip.compress(raw))
    with pytest.warns(match=f"Not as published.* in '{fashion}': {name}. .*the sum is another"):
        assert int(pixels(fashion).flatten()[484]) == raw[500]


def put(folder, **values):
    """Training files of one's own, train-images and train-labels, in place of what is there."""
    for kind, array in values.items():
        name = f"train-{kind}-idx{array.ndim}-ubyte"
        (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))


@pytest.mark.parametrize(
    "values, sentence",
    [
        ({"labels": np.full(20, 10, np.uint8)}, "20 labels from 10 to 10; .* 0 to 9"),
        ({"labels": np.zeros(19, np.uint8)}, "holds 20 train pictures and 19 labels"),
        (
            {"images": np.zeros((20, 32, 32), np.uint8)},
            "train pictures of 1 x 32 x 32; those of Fashion-MNIST are 1 x 28 x 28",
        ),
        (
            {"images": np.zeros((21, 28, 28), np.uint8), "labels": np.zeros(21, np.uint8)},
            "21 train pictures instead of 20",
        ),
    ],
    ids=["label 10", "a label short", "another shape", "more than published"],
)
def test_files_that_cannot_be_the_sets_are_refused(fashion, values, sentence):
    put(fashion, **values)
    with pytest.raises(data.DamagedFile, match=f"{sentence}.*(Get|get)"):
        pixels(fashion)


@pytest.fixture
def digits(fashion, tmp_path, monkeypatch):
    """A folder with four files of the same shape and counts, which are, for this test, MNIST's."""
    folder, files = tmp_path / "digits", []
    folder.mkdir()
    for path in fashion.iterdir():
        raw = bytearray(gzip.decompress(path.read_bytes()))
        raw[-1] ^= 1
        (folder / path.name).write_bytes(gzip.compress(raw))
        files.append(published(path.name, (folder / path.name).read_bytes()))
    change_card(monkeypatch, "mnist", files=tuple(files), train=20, test=10)
    return folder


def test_another_sets_files_of_the_same_shape_are_refused_by_their_sums(digits):
    with pytest.raises(
        ValueError, match=r"'.*train.*gz' holds train.* of MNIST, not of Fashion-MNIST.*\"mnist\""
    ):
        pixels(digits)


@pytest.mark.parametrize("pack", [lambda folder: folder, zipped_anew], ids=["folder", "zip"])
def test_folder_of_two_sets_with_the_same_names_gives_each_its_own(fashion, digits, pack):
    expected = {
        name: pixels(root, name) for name, root in (("fashion-mnist", fashion), ("mnist", digits))
    }
    shutil.move(fashion, digits / "FashionMNIST")
    pack(digits)
    pack(digits / "FashionMNIST")
    for name, images in expected.items():
        assert torch.equal(pixels(digits, name), images)


@pytest.mark.parametrize("split", ["train", "test"])
def test_one_file_as_root_stands_for_those_beside_it(fashion, split):
    expected = pixels(fashion, split=split)
    assert torch.equal(pixels(fashion / "train-images-idx3-ubyte.gz", split=split), expected)


def test_file_that_was_given_goes_before_another_beside_it(fashion):
    unpack(fashion)
    given = fashion / "train-images-idx3-ubyte (1)"
    given.write_bytes(idx(np.full((20, 28, 28), 7, np.uint8)))
    with pytest.warns(match="Not as published"):
        assert pixels(given).unique().tolist() == [7]


@pytest.mark.parametrize("damage", [lambda raw: raw[:-9], lambda raw: gzip.decompress(raw)[:-9]])
def test_damaged_copy_beside_a_whole_one_is_passed_over(fashion, damage):
    put(fashion, images=np.full((4, 28, 28), 7, np.uint8), labels=np.zeros(4, np.uint8))
    for path in list(fashion.glob("train*")):
        (fashion / path.name.replace(".gz", " (1).gz")).write_bytes(damage(path.read_bytes()))
    assert len(pixels(fashion)) == 4


def test_only_the_file_that_is_missing_is_named(fashion):
    (fashion / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match="does not hold train-labels-idx1-ubyte.gz of"):
        pixels(fashion)


def test_archive_as_root_is_not_completed_from_what_lies_beside_it(fashion, tmp_path):
    with ZipFile(fashion / "notes.zip", "w") as archive:
        archive.writestr("notes.txt", b"")
    with pytest.raises(FileNotFoundError, match="'.*notes.zip' does not hold train-images"):
        pixels(fashion / "notes.zip")


def test_damaged_member_of_a_zip_is_named(fashion):
    with ZipFile(fashion / "all.zip", "w") as archive:
        for path in sorted(fashion.glob("*-images-*.gz")):
            archive.write(path, path.name)
            path.unlink()
    raw = bytearray((fashion / "all.zip").read_bytes())
    raw[200] ^= 1  # in the pictures, which no packing makes shorter
    (fashion / "all.zip").write_bytes(raw)
    with pytest.raises(
        data.DamagedFile, match="'t10k.*.gz' in 'all.zip' is damaged: .*Get it again"
    ):
        pixels(fashion / "all.zip", split="test")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipes_and_dangling_links_of_official_names_are_passed_over(fashion):
    os.mkfifo(fashion / "train-images.idx3-ubyte")
    (fashion / "train-labels.idx1-ubyte").symlink_to("nowhere")
    assert len(pixels(fashion)) == 20


def test_cut_archive_in_ones_own_folder_is_named(fashion):
    path = fashion / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(
        data.DamagedFile, match="'train-images-idx3-ubyte.gz' is not a whole gzip file"
    ):
        pixels(fashion)


def test_two_different_files_of_one_name_are_not_chosen_between(fashion):
    nest(fashion)
    for folder in ("a", "b"):
        (fashion / folder).mkdir()
        (fashion / folder / "train-labels-idx1-ubyte").write_bytes(
            idx(np.full(20, ord(folder) % 10, np.uint8))
        )
    assert len(pixels(fashion)) == 20  # the published one is there as well
    (fashion / "FashionMNIST/raw/train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match="holds 2 different files called train-labels-idx1-ubyte"):
        pixels(fashion)


def test_folder_without_the_files_names_them(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match="does not hold cifar-10-python.tar.gz of CIFAR-10 as published, packed or unpacked",
    ):
        data.load("cifar10", source="full", root=tmp_path)


def test_root_alone_means_the_full_set_and_must_exist(fashion, tmp_path):
    assert data.load("fashion-mnist", root=fashion).source == "full"
    with pytest.raises(
        FileNotFoundError, match="There is no folder '.*nowhere'. Give the one that holds"
    ):
        data.load("fashion-mnist", root=tmp_path / "nowhere")


def test_statistics_of_a_full_test_set_are_those_of_its_train_set(fashion):
    train, test = (data.load("fashion-mnist", split, root=fashion) for split in ("train", "test"))
    assert torch.equal(train.mean, test.mean) and torch.equal(train.std, test.std)


@pytest.mark.parametrize("name", ["clip-art", "photographs", "photos"])
def test_set_that_comes_whole_with_the_course_is_its_own_full_set(name):
    assert data.load(name, source="full").source == "full" and len(
        data.load(name, source="full")
    ) == len(data.load(name))


def test_set_without_a_bundled_cut_says_how_to_get_it():
    with pytest.raises(
        ValueError,
        match=r'No cut of CIFAR-10 comes with the course. data.load\("cifar10", source="full"\) brings the whole set',
    ):
        data.load("cifar10")


# --- CIFAR in its archive ---


def cifar_archive(folder, batches: dict[str, dict]):
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as archive:
        for name, content in batches.items():
            raw = pickle.dumps(content, protocol=2)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))


def batch(count, seed):
    return {
        "data": np.random.default_rng(seed).integers(0, 256, (count, 3072), dtype=np.uint8),
        "labels": [place % 10 for place in range(count)],
    }


def test_five_batches_are_joined_in_their_order_and_agree_with_torchvision(tmp_path):
    batches = {
        **{f"data_batch_{number}": batch(3, number) for number in (5, 3, 1, 2, 4)},
        "test_batch": batch(2, 9),
    }
    cifar_archive(tmp_path, batches)
    train, test = (data.load("cifar10", split, root=tmp_path) for split in ("train", "test"))
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")

    class Oracle(torchvision.datasets.CIFAR10):
        train_list, test_list = (
            [[f"data_batch_{number}", None] for number in range(1, 6)],
            [["test_batch", None]],
        )
        _check_integrity = _load_meta = lambda self: True

    for dataset, oracle in ((train, Oracle(tmp_path)), (test, Oracle(tmp_path, train=False))):
        np.testing.assert_array_equal(dataset.images.permute(0, 2, 3, 1), oracle.data)
        assert dataset.labels.tolist() == oracle.targets


@pytest.mark.parametrize("labels", [[0, 1, 10], [0, 1, -1]])
def test_label_that_no_class_has_is_refused(tmp_path, labels):
    cifar_archive(tmp_path, {"test_batch": {**batch(3, 1), "labels": labels}})
    with pytest.raises(
        data.DamagedFile, match="3 labels from .*; those of CIFAR-10 go from 0 to 9"
    ):
        data.load("cifar10", "test", root=tmp_path)


def test_cifar_archive_in_a_zip_is_read(tmp_path):
    batches = {f"data_batch_{number}": batch(3, number) for number in range(1, 6)}
    cifar_archive(tmp_path, batches)
    with ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.write(tmp_path / "cifar-10-python.tar.gz", "data/cifar-10-python.tar.gz")
    (tmp_path / "cifar-10-python.tar.gz").unlink()
    for root in (tmp_path, tmp_path / "archive.zip"):
        assert len(pixels(root, "cifar10")) == 15


def test_one_batch_of_cifar_as_root_stands_for_those_beside_it(tmp_path):
    for number in range(1, 6):
        (tmp_path / f"data_batch_{number}").write_bytes(pickle.dumps(batch(3, number), protocol=2))
    assert len(pixels(tmp_path / "data_batch_1", "cifar10")) == 15


def test_archive_member_that_points_outside_writes_nothing(tmp_path):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as archive:
        for name in (
            "../../test_batch",
            "/tmp/test_batch-evil",
            *(f"x/data_batch_{number}" for number in range(1, 6)),
        ):
            member = tarfile.TarInfo(name)
            raw = pickle.dumps(batch(2, 1), protocol=2)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
        link = tarfile.TarInfo("test_batch")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    data.load("cifar10", "test", root=folder)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [
        folder / "cifar-10-python.tar.gz"
    ]


# --- Medical MNIST ---

CLASSES = data.card("medical-mnist").classes


def scans(folder, count=10, *, nested=""):
    for place, name in enumerate(CLASSES):
        (folder / nested / name).mkdir(parents=True)
        for number in range(count):
            (folder / nested / name / f"{number:06}.jpeg").write_bytes(
                file_bytes(photo(64, 64, "L", seed=100 * place + number), "JPEG")
            )
    return folder


def zipped(folder):
    with ZipFile(folder.with_name("archive.zip"), "w") as archive:
        for path in folder.rglob("*.jpeg"):
            archive.write(path, path.relative_to(folder.parent).as_posix())
    return folder.with_name("archive.zip")


def tarred(folder):
    with tarfile.open(folder.with_name("MedNIST.tar.gz"), "w:gz") as archive:
        archive.add(folder, "MedNIST")
    return folder.with_name("MedNIST.tar.gz")


@pytest.mark.parametrize("nested", ["", "Medical-MNIST-master"])
@pytest.mark.parametrize(
    "pack",
    [lambda folder: folder, zipped, tarred],
    ids=["folder", "Kaggle's zip", "MedNIST.tar.gz"],
)
def test_medical_pictures_are_grey_and_the_last_fifth_of_each_class_is_the_test_set(
    tmp_path, pack, nested
):
    root = pack(scans(tmp_path / "scans", nested=nested))
    train, test = (data.load("medical-mnist", split, root=root) for split in ("train", "test"))
    assert (train.labels.bincount().tolist(), test.labels.bincount().tolist()) == ([8] * 6, [2] * 6)
    raw = (tmp_path / "scans" / nested / CLASSES[2] / "000009.jpeg").read_bytes()
    np.testing.assert_array_equal(test.images[5, 0], np.asarray(Image.open(io.BytesIO(raw))))
    assert train.classes == CLASSES and test.labels[5] == 2


def test_medical_archive_of_a_second_download_is_found_in_its_folder(tmp_path):
    root = tmp_path / "downloads"
    root.mkdir()
    shutil.move(zipped(scans(tmp_path / "scans")), root / "archive (1).zip")
    (root / "another.zip").write_bytes(b"PK")
    expected = pixels(root, "medical-mnist")
    (root / "archive.zip").write_bytes((root / "archive (1).zip").read_bytes()[:-99])
    assert len(expected) == 48 and torch.equal(pixels(root, "medical-mnist"), expected)
    (root / "archive.zip").unlink()
    (root / "another.zip").unlink()
    (root / "archive (1).zip").rename(root / "scans of the course.zip")
    assert torch.equal(pixels(root, "medical-mnist"), expected)


def test_medical_pictures_are_read_where_the_archive_beside_them_is_damaged(tmp_path):
    root = scans(tmp_path / "scans")
    (root / "archive.zip").write_bytes(b"PK")
    assert len(pixels(root, "medical-mnist")) == 48


def test_pictures_that_are_still_on_their_way_are_not_read(home):
    scans(home / "medical-mnist" / "incoming")
    with pytest.raises(FileNotFoundError, match="does not hold MedNIST.tar.gz"):
        data.load("medical-mnist", source="full", download=False)


def test_second_load_reads_the_kept_array_and_not_the_pictures(tmp_path, home, monkeypatch):
    root = scans(tmp_path / "scans")
    first = pixels(root, "medical-mnist")
    monkeypatch.setattr(medical, "decoded", lambda *_: pytest.fail("decoded again"))
    assert torch.equal(pixels(root, "medical-mnist"), first)


def another_picture(root, *, size: bool = False, time: bool = False):
    """Puts another picture in the place of the first one, of the same size or with the same time where it says so."""
    place = root / CLASSES[0] / "000000.jpeg"
    before, raw = place.stat(), file_bytes(photo(64, 64, "L", seed=999), "JPEG", quality=40)
    place.write_bytes(raw.ljust(before.st_size, b"\0") if size else raw)
    if time:
        os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = place.stat()
    assert size == (after.st_size == before.st_size)
    assert time == (after.st_mtime_ns == before.st_mtime_ns)


@pytest.mark.parametrize(
    "change",
    [
        lambda root, kept: another_picture(root, size=True),
        lambda root, kept: another_picture(root, time=True),
        lambda root, kept: (root / CLASSES[0] / "000000.jpeg").unlink(),
        lambda root, kept: kept.write_bytes(kept.read_bytes()[:-100]),
        lambda root, kept: kept.write_bytes(
            kept.read_bytes()[:-1] + bytes([kept.read_bytes()[-1] ^ 1])
        ),
        lambda root, kept: kept.unlink(),
        lambda root, kept: kept.write_bytes(b""),
    ],
    ids=[
        "another of the same size",
        "another of the same time",
        "picture gone",
        "array cut",
        "array damaged",
        "array gone",
        "array empty",
    ],
)
def test_changed_pictures_or_a_damaged_array_are_decoded_again(tmp_path, home, change):
    root = scans(tmp_path / "scans")
    pixels(root, "medical-mnist")
    change(root, home / "medical-mnist" / "decoded.safetensors")
    again = pixels(root, "medical-mnist")
    shutil.rmtree(home)
    assert torch.equal(again, pixels(root, "medical-mnist"))


def test_array_that_cannot_be_kept_costs_only_a_sentence(tmp_path, home, capsys):
    home.write_text("in the way")
    assert len(pixels(scans(tmp_path / "scans"), "medical-mnist")) == 48
    assert "could not be kept" in capsys.readouterr().out


@pytest.mark.parametrize(
    "raw, sentence",
    [
        (b"no picture", "'ChestCT/000003.jpeg' in .* cannot be read as a picture.*Get it again"),
        (
            file_bytes(photo(32, 64), "JPEG"),
            r"has the shape \(1, 64, 32\) instead of \(1, 64, 64\)",
        ),
    ],
)
def test_broken_medical_picture_is_named(tmp_path, raw, sentence):
    root = scans(tmp_path / "scans")
    (root / "ChestCT" / "000003.jpeg").write_bytes(raw)
    with pytest.raises(data.DamagedFile, match=sentence):
        pixels(root, "medical-mnist")


def test_other_folders_are_not_medical_mnist(tmp_path):
    (scans(tmp_path / "scans") / "Hand").rename(tmp_path / "scans" / "Foot")
    with pytest.raises(ValueError, match="has the folders .*Foot.*Medical MNIST has .*Hand"):
        pixels(tmp_path / "scans", "medical-mnist")


@pytest.fixture
def mednist(tmp_path, monkeypatch):
    """A host with a small archive that is, for this test, the published one; (host, the archive's bytes)."""
    raw = tarred(scans(tmp_path / "scans")).read_bytes()
    with server(serve(raw)) as host:
        file = RemoteFile(
            "MedNIST.tar.gz",
            len(raw),
            f"md5:{hashlib.md5(raw).hexdigest()}",
            {},
            (f"{host.url}/MedNIST.tar.gz",),
        )
        monkeypatch.delenv("WORKSHOP_MIRROR")
        change_card(monkeypatch, "medical-mnist", files=(file,), train=48, test=12)
        yield host, raw


def test_medical_archive_is_fetched_by_its_sum(mednist):
    host, _ = mednist
    assert (
        len(data.load("medical-mnist", source="full")) == 48
        and len(data.load("medical-mnist", "test", source="full")) == 12
    )
    assert host.asked == ["/MedNIST.tar.gz"]


def test_damaged_medical_archive_in_the_cache_is_fetched_again(tmp_path, mednist, home):
    host, raw = mednist
    (home / "medical-mnist").mkdir(parents=True)
    (home / "medical-mnist" / "MedNIST.tar.gz").write_bytes(raw[:-9])
    assert len(data.load("medical-mnist", source="full")) == 48 and host.asked
    with pytest.warns(match="Not as published.*MedNIST.tar.gz.*the sum is another"):  # one's own
        path = tarred(scans(tmp_path / "other" / "scans"))
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 3))
        data.load("medical-mnist", root=path)


def test_download_that_was_killed_or_is_on_its_way_is_never_read(home):
    scans(home / "medical-mnist" / "incoming")
    with pytest.raises(FileNotFoundError, match="does not hold MedNIST.tar.gz"):
        data.load("medical-mnist", source="full", download=False)


def test_users_folder_may_lie_below_one_called_incoming(fashion, tmp_path):
    shutil.move(fashion, tmp_path / "incoming")
    assert len(pixels(tmp_path / "incoming")) == 20


# --- real cuts ---


@needs_testdata
@pytest.mark.parametrize(
    "name, folder, counts, classes",
    [
        ("mnist", "mnist", (5000, 10000), 10),
        ("cifar10", "cifar10", (1500, 300), 10),
        ("cifar100", "cifar100", (200, 200), 100),
        ("sign-mnist", "sign_mnist", (2000, 500), 24),
        ("medical-mnist", "medical_mnist", (288, 72), 6),
        ("pneumoniamnist", "medmnist", (2428, 468), 2),
    ],
)
def test_real_cut_has_the_counts_of_its_files(name, folder, counts, classes):
    train, test = (
        data.load(name, split, source="full", root=TESTDATA / folder) for split in ("train", "test")
    )
    assert (len(train), len(test), len(train.classes)) == (*counts, classes) and tuple(
        train.images.shape[1:]
    ) == data.card(name).shape


@needs_testdata
def test_official_mnist_test_files_are_recognised_by_their_sums(capsys):
    data.load("mnist", "test", root=TESTDATA / "mnist")
    assert "Not as published" not in capsys.readouterr().out


@needs_testdata
def test_cifar_pictures_are_those_that_were_also_cut_as_jpegs():
    train, _ = data.from_folder(TESTDATA / "cifar10_jpg", size=32)
    assert set(train.classes) == set(data.card("cifar10").classes)


@needs_testdata
def test_coarse_labels_of_a_real_file():
    fine, coarse = (
        data.load("cifar100", "test", root=TESTDATA / "cifar100", labels=kind)
        for kind in ("fine", "coarse")
    )
    assert torch.equal(fine.images, coarse.images) and len(coarse.classes) == 20
    pairs = {(fine.classes[f], coarse.classes[c]) for f, c in zip(fine.labels, coarse.labels)}
    assert len({name for name, _ in pairs}) == len(pairs)  # each class has one superclass
