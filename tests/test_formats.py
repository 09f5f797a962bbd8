"""The readers of the official formats: against other implementations, on real files, and on bytes that are no such files."""

import gzip
import io
import pickle
import struct
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision
from helpers import TESTDATA, idx, needs_testdata
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workshop_utils import data
from workshop_utils.data.sets import medmnist
from workshop_utils.data.sets.cifar import read_cifar
from workshop_utils.data.sets.mnist import read_idx


def read(name: str, raw: bytes, split: str = "train"):
    """What the reader of a set makes of a file with these bytes."""
    card = data.card(name)
    return card.read(card, split, SimpleNamespace(contents=lambda _: [raw]))


# --- the IDX reader ---

repeatable = settings(  # and on a busy computer too
    derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
VALUES = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "values", [VALUES, VALUES[:, 0, 0], VALUES[:1]], ids=["pictures", "labels", "one picture"]
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_idx_reader_agrees_with_torchvisions(tmp_path, values, pack):
    (tmp_path / "file").write_bytes(idx(values))
    oracle = torchvision.datasets.mnist.read_sn3_pascalvincent_tensor(
        str(tmp_path / "file"), strict=False
    )
    assert torch.equal(read_idx(pack(idx(values)), "file"), oracle)


@needs_testdata
@pytest.mark.parametrize("train, stem", [(True, "train"), (False, "t10k")])
def test_idx_reader_agrees_with_torchvision_on_official_mnist_files(tmp_path, train, stem):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in (TESTDATA / "mnist/MNIST/raw").glob("*.gz"):
        (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    oracle = torchvision.datasets.MNIST(tmp_path, train=train, download=False)
    read = {
        kind: read_idx((TESTDATA / f"mnist/MNIST/raw/{stem}-{kind}-ubyte.gz").read_bytes(), stem)
        for kind in ("images-idx3", "labels-idx1")
    }
    assert torch.equal(read["images-idx3"], oracle.data) and torch.equal(
        read["labels-idx1"].long(), oracle.targets
    )


@pytest.mark.parametrize(
    "raw",
    [
        idx(VALUES)[:-1],
        idx(VALUES) + b"x",
        idx(VALUES)[:7],
        idx(VALUES)[:16],
        b"",
        b"\0\0\x08",
        b"\0\0\x08\0x",
        b"\0\0\x0d" + idx(VALUES)[3:],
        b"PNG" + idx(VALUES),
        gzip.compress(idx(VALUES))[:-9],
        gzip.compress(idx(VALUES)[:-1]),
        b"\x1f\x8b" + idx(VALUES),
    ],
    ids=[
        "a byte short",
        "a byte long",
        "cut header",
        "no values",
        "empty",
        "three bytes",
        "no sides",
        "floats",
        "another format",
        "cut gzip",
        "cut inside gzip",
        "no gzip",
    ],
)
def test_damaged_idx_file_is_refused_by_name(raw):
    with pytest.raises(data.DamagedFile, match="'labels.gz'.*Get it again"):
        read_idx(raw, "labels.gz")


@repeatable
@given(
    st.one_of(
        st.binary(max_size=64),
        st.binary(max_size=64).map(lambda tail: b"\0\0\x08" + tail),
        st.binary(max_size=64).map(lambda tail: b"\x1f\x8b\x08" + tail),
    )
)
def test_arbitrary_bytes_give_a_tensor_or_the_sentence_and_nothing_else(raw):
    with suppress(data.DamagedFile):
        assert read_idx(raw, "file").numel() > 0


# --- CIFAR ---

ROWS = np.random.default_rng(1).integers(0, 256, (6, 3072), dtype=np.uint8)


def cifar_file(rows=ROWS, protocol=2, **labels) -> bytes:
    return pickle.dumps(
        {
            "batch_label": "a batch",
            "data": rows,
            "filenames": ["a.png"] * len(rows),
            **(labels or {"labels": [0, 9, 1, 2, 3, 4]}),
        },
        protocol=protocol,
    )


def python2_file(key: bytes, rows: np.ndarray, labels: list[int]) -> bytes:
    """CIFAR's own files were written by Python 2: byte strings, which Python 3 does not write; put together by hand."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    def numbers(values):
        return b"](" + b"".join(b"K" + bytes([value]) for value in values) + b"e"

    raw = rows.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0t"
        + text(b"b")
        + b"tR(K\1("
        + b"M"
        + struct.pack("<H", len(rows))
        + b"M\0\x0ct"
        b"cnumpy\ndtype\n("
        + text(b"u1")
        + b"K\0K\1tR(K\3"
        + text(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89T"
        + struct.pack("<i", len(raw))
        + raw
        + b"tb"
    )
    return b"\x80\x02}(" + text(b"data") + array + text(key) + numbers(labels) + b"u."


@pytest.mark.parametrize(
    "raw",
    [cifar_file(), python2_file(b"labels", ROWS, [0, 9, 1, 2, 3, 4])],
    ids=["Python 3", "Python 2, as published"],
)
def test_cifar10_reader_agrees_with_torchvisions(tmp_path, raw):
    class Oracle(torchvision.datasets.CIFAR10):
        test_list = (("test_batch", None),)
        _check_integrity = _load_meta = lambda self: True

    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(raw)
    oracle = Oracle(tmp_path, train=False)
    images, labels = read_cifar(raw, "test_batch", "labels")
    np.testing.assert_array_equal(images.permute(0, 2, 3, 1), oracle.data)
    assert labels.tolist() == oracle.targets and (images.dtype, labels.dtype) == (
        torch.uint8,
        torch.int64,
    )


@pytest.mark.parametrize(
    "key, values",
    [("fine_labels", [99, 0, 5, 6, 7, 8]), ("coarse_labels", [19, 0, 5, 6, 7, 8])],
)
def test_both_kinds_of_cifar100_labels_are_read(key, values):
    assert read_cifar(cifar_file(**{key: values}), "train", key)[1].tolist() == values


class Runs:
    """Unpickling this would run a command."""

    def __reduce__(self):
        return __import__("os").system, ("touch /tmp/ran-by-a-pickle",)


def memory_hog() -> bytes:
    return b"\x80\x02}r" + struct.pack("<I", 0x7FFFFFFF) + b"."


@pytest.mark.parametrize(
    "raw, sentence",
    [
        (pickle.dumps({"data": Runs(), "labels": [1]}), "asks to run 'posix.system'"),
        (
            pickle.dumps({"data": np.array([Runs()], dtype=object), "labels": [1]}),
            "asks to run 'posix.system'|values of type",
        ),
        (pickle.dumps({"data": eval, "labels": [1]}), "asks to run 'builtins.eval'"),
        (memory_hog(), "not put together as CIFAR"),
        (
            b"\x80\x02](" + b"(2" * 60 + b"t" * 60 + b"e.",
            "not put together as CIFAR|cannot be read",
        ),
        (
            b"\x80\x02}(X\x04\0\0\0datacnumpy.core.multiarray\n_reconstruct\n)R(K\1K\1K\1NU\1xtbX\x06\0\0\0labels](K\1eu.",
            "of no type|cannot be read",
        ),
        (cifar_file(ROWS.astype(np.float32)), "values of type 'f4'"),
        (cifar_file(ROWS[:, :-1]), r"shape \(6, 3071\)"),
        (cifar_file(labels=[0, 1]), "and 2 labels"),
        (cifar_file(labels=["0"] * 6), "labels that are no whole numbers"),
        (cifar_file(ROWS[:0], labels=[]), "asks to run|shape"),
        (cifar_file()[:-30], "cannot be read"),
        (b"", "cannot be read"),
        (pickle.dumps([1]), "cannot be read"),
        (pickle.dumps({"data": ROWS}), "cannot be read"),
    ],
    ids=[
        "command",
        "command in an array",
        "function",
        "memory",
        "doubling",
        "no type",
        "floats",
        "short rows",
        "labels missing",
        "text labels",
        "empty",
        "cut",
        "no bytes",
        "a list",
        "no labels",
    ],
)
def test_pickle_that_is_no_cifar_file_is_refused_and_runs_nothing(raw, sentence):
    with pytest.raises(
        data.DamagedFile,
        match=f"'data_batch_1' is not a file of CIFAR: .*({sentence}).*Get it again",
    ):
        read_cifar(raw, "data_batch_1", "labels")
    assert not __import__("os").path.exists("/tmp/ran-by-a-pickle")


@needs_testdata
@pytest.mark.parametrize(
    "file, key, count",
    [
        ("cifar10/cifar-10-batches-py/data_batch_1", "labels", 300),
        ("cifar100/cifar-100-python/test", "fine_labels", 200),
    ],
)
def test_cifar_reader_on_real_files(file, key, count):
    with open(TESTDATA / file, "rb") as opened:
        official = pickle.load(opened, encoding="latin1")
    images, labels = read_cifar((TESTDATA / file).read_bytes(), file, key)
    assert len(images) == count and labels.tolist() == list(official[key])
    np.testing.assert_array_equal(images.reshape(count, -1), official["data"])


# --- Sign Language MNIST ---

HEADING = b"label," + b",".join(b"pixel%d" % place for place in range(1, 785))
PIXELS = np.random.default_rng(2).integers(0, 256, (25, 784), dtype=np.uint8)
SIGN_ROWS = [
    bytes(f"{label},", "ascii") + b",".join(b"%d" % value for value in row)
    for label, row in zip([*range(9), *range(10, 25)], PIXELS)
]


def sign(rows=SIGN_ROWS, end=b"\n") -> bytes:
    return end.join([HEADING, *rows]) + end


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["Unix", "Windows"])
def test_sign_rows_become_pictures_and_labels_without_j(end):
    images, labels = read("sign-mnist", sign(end=end))
    np.testing.assert_array_equal(images.reshape(24, 784), PIXELS[:24])
    assert (
        labels.tolist() == list(range(24))
        and images.dtype == torch.uint8
        and labels.dtype == torch.int64
    )
    assert [data.card("sign-mnist").classes[label] for label in labels] == list(
        "ABCDEFGHIKLMNOPQRSTUVWXY"
    )


def indexed(raw: bytes, heading: bytes = b"") -> bytes:
    """With the rows numbered in front, as pandas and R write them."""
    first, *rows = raw.splitlines()
    numbered = [b"%d," % number + row for number, row in enumerate(rows)]
    return b"\n".join([heading + b"," + first, *numbered]) + b"\n"


def quoted(raw: bytes) -> bytes:
    return b"\n".join(
        b",".join(b'"%s"' % value for value in line.split(b",")) for line in raw.splitlines()
    )


@pytest.mark.parametrize(
    "save",
    [
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: raw.replace(b"\n", b"\r"),
        lambda raw: raw.replace(b"\n", b"\r\r\n"),
        lambda raw: raw + b"\n\n",
        lambda raw: raw.replace(b",", b", "),
        lambda raw: raw.replace(b",", b";"),
        lambda raw: raw.replace(b",", b"\t").decode().encode("utf-16"),
        quoted,
        indexed,
        lambda raw: indexed(indexed(raw, b"Unnamed: 0"), b"Unnamed: 0.1"),
        lambda raw: quoted(indexed(raw)).replace(b"\n", b"\r\n"),
        lambda raw: HEADING + raw[len(HEADING) :].replace(b",", b".0,").replace(b"\n", b".0\n")[2:],
    ],
    ids=[
        *("byte order mark", "old Mac", "doubled returns", "blank lines at the end", "blanks"),
        *("semicolons", "Excel's Unicode text", "quotes", "index", "two indices", "R", "7.0"),
    ],
)
def test_sign_table_that_was_saved_again_is_the_same(save):
    for saved, official in zip(read("sign-mnist", save(sign())), read("sign-mnist", sign())):
        assert torch.equal(saved, official)


@pytest.mark.parametrize(
    "row, sentence",
    [
        (
            SIGN_ROWS[0].rpartition(b",")[0],
            "Line 3 of 'sign_mnist_train.csv' has 784 values instead of 785",
        ),
        (SIGN_ROWS[0] + b",7", "Line 3 of 'sign_mnist_train.csv' has 786 values"),
        (b"", "Line 3 of 'sign_mnist_train.csv' has 1 values"),
        (
            SIGN_ROWS[0].rpartition(b",")[0] + b",256",
            "Line 3 of 'sign_mnist_train.csv' holds a value that is no whole number from 0 to 255",
        ),
        (SIGN_ROWS[0].rpartition(b",")[0] + b",-1", "Line 3 .*no whole number"),
        (SIGN_ROWS[0].rpartition(b",")[0] + b",1.5", "Line 3 .*no whole number"),
        (SIGN_ROWS[0].rpartition(b",")[0] + b",", "Line 3 .*no whole number"),
        (SIGN_ROWS[0].rpartition(b",")[0] + b",x", "Line 3 .*no whole number"),
        (SIGN_ROWS[0].rpartition(b",")[0] + b"," + b"9" * 5000, "Line 3 .*no whole number"),
        (b"9" + SIGN_ROWS[0][1:], "Line 3 of 'sign_mnist_train.csv' has the label 9"),
        (b"25" + SIGN_ROWS[0][1:], "has the label 25"),
    ],
    ids=["short", "long", "empty", "256", "-1", "fraction", "missing", "text", "endless", "J", "Z"],
)
def test_bad_csv_row_is_named_by_its_line(row, sentence):
    with pytest.raises(data.DamagedFile, match=sentence):
        read("sign-mnist", sign([SIGN_ROWS[0], row, SIGN_ROWS[1]]))


@pytest.mark.parametrize("raw", [b"", HEADING, b"\n".join(SIGN_ROWS), b"a,b\n1,2"])
def test_csv_without_heading_or_rows_is_refused(raw):
    with pytest.raises(data.DamagedFile, match="does not begin with the line label,pixel1"):
        read("sign-mnist", raw)


@needs_testdata
def test_sign_reader_on_real_rows():
    raw = (TESTDATA / "sign_mnist/sign_mnist_test.csv").read_bytes()
    table = np.loadtxt(io.BytesIO(raw), delimiter=",", skiprows=1, dtype=np.int64)
    images, labels = read("sign-mnist", raw)
    np.testing.assert_array_equal(images.reshape(len(table), 784), table[:, 1:])
    np.testing.assert_array_equal(labels + (labels >= 9), table[:, 0])


# --- MedMNIST ---


def npz(compress=True, **changes) -> bytes:
    arrays = {
        f"{part}_images": np.full((count, 28, 28), 7, np.uint8)
        for part, count in (("train", 5), ("val", 2), ("test", 3))
    }
    arrays |= {
        f"{part}_labels": np.arange(count, dtype=np.uint8)[:, None] % 2
        for part, count in (("train", 5), ("val", 2), ("test", 3))
    }
    buffer = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(buffer, **(arrays | changes))
    return buffer.getvalue()


@pytest.mark.parametrize("split, count", [("train", 5), ("validation", 2), ("test", 3)])
def test_npz_splits_are_read(split, count):
    images, labels = read("pneumoniamnist", npz(), split)
    assert tuple(images.shape) == (count, 1, 28, 28) and labels.tolist() == [0, 1, 0, 1, 0][:count]


def test_colour_npz_becomes_channels_first():
    pictures = np.random.default_rng(3).integers(0, 256, (5, 28, 28, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        read("pathmnist", npz(train_images=pictures))[0].permute(0, 2, 3, 1),
        pictures,
    )


def lying_npz() -> bytes:
    """An array whose header promises a terabyte."""
    raw, true, lie = npz(compress=False), b"(5, 28, 28), }" + b" " * 7, b"(999999, 999, 999), }"
    assert raw.count(true) and len(true) == len(lie)
    return raw.replace(true, lie)


@pytest.mark.parametrize(
    "raw",
    [
        npz()[:-40],
        b"",
        b"PK",
        npz(train_labels=np.zeros((5, 1))),
        npz(train_labels=np.zeros(5, np.uint8)),
        npz(train_labels=np.zeros((5, 14), np.uint8)),
        npz(train_images=np.zeros((5, 28, 28))),
        npz(train_images=np.zeros((5, 784), np.uint8)),
        npz(train_images=np.zeros((0, 28, 28), np.uint8)),
        npz(train_images=np.array([Runs()] * 5, dtype=object)),
        lying_npz(),
    ],
    ids=[
        "cut",
        "empty",
        "two bytes",
        "floats for labels",
        "flat labels",
        "many labels",
        "floats",
        "flat pictures",
        "no pictures",
        "objects",
        "lying header",
    ],
)
def test_file_that_is_no_medmnist_is_refused(raw):
    with pytest.raises(data.DamagedFile, match="'pneumoniamnist.npz' is not a MedMNIST file"):
        read("pneumoniamnist", raw)


def test_medmnist_in_another_size_is_refused_with_both_shapes(tmp_path):
    (tmp_path / "pneumoniamnist_64.npz").write_bytes(
        npz(train_images=np.zeros((5, 64, 64), np.uint8))
    )
    with pytest.raises(data.DamagedFile, match="of 1 x 64 x 64; those of .* are 1 x 28 x 28"):
        data.load("pneumoniamnist", root=tmp_path / "pneumoniamnist_64.npz")


@needs_testdata
def test_npz_reader_on_a_real_file():
    raw = (TESTDATA / "medmnist/pneumoniamnist.npz").read_bytes()
    official = np.load(io.BytesIO(raw))
    for split, part in medmnist.PARTS.items():
        images, labels = read("pneumoniamnist", raw, split)
        np.testing.assert_array_equal(images[:, 0], official[f"{part}_images"])
        np.testing.assert_array_equal(labels, official[f"{part}_labels"][:, 0])


# --- arbitrary bytes ---


def mangled(raw: bytes):
    """The file itself with a few bytes changed, or cut off."""
    edits = st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=6)

    def edit(changes, length):
        changed = bytearray(raw)
        for place, value in changes:
            changed[place] = value
        return bytes(changed[:length])

    return st.builds(edit, edits, st.integers(0, len(raw)))


READERS = {
    "cifar": (
        lambda raw: read_cifar(raw, "file", "labels"),
        cifar_file(ROWS[:2], labels=[0, 1]),
    ),
    "cifar, Python 2": (
        lambda raw: read_cifar(raw, "file", "labels"),
        python2_file(b"labels", ROWS[:2], [0, 1]),
    ),
    "sign": (lambda raw: read("sign-mnist", raw), sign(SIGN_ROWS[:2])),
    "npz": (lambda raw: read("pneumoniamnist", raw, "test"), npz(compress=False)),
    "boxes": (
        lambda raw: data.imagenet.boxes(raw),
        b"<annotation><object><name>n1</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax>"
        b"<ymax>4</ymax></bndbox></object></annotation>",
    ),
}


@pytest.mark.parametrize("reader, whole", READERS.values(), ids=READERS)
def test_reader_gives_data_or_the_sentence_whatever_the_bytes_are(reader, whole):
    @repeatable
    @given(st.one_of(st.binary(max_size=200), mangled(whole)))
    def holds(raw):
        with suppress(data.DamagedFile):
            reader(raw)

    holds()
