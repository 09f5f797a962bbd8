"""What a room full of people does to the course by accident: nonsense answers, damaged files, odd folders, full disks, two notebooks at once."""

import ast
import gzip
import hashlib
import html
import io
import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import time
import zlib
from base64 import b64encode
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from helpers import (
    REPOSITORY,
    class_folders,
    code_cells,
    file_bytes,
    fresh_python,
    full_disk,
    linked_course,
    loaded,
    photo,
    started_python,
    tiny_net,
)
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from servers import serve, server
from torch import nn

from workshop_utils import data, evaluation, exercises, models, widgets
from workshop_utils.data import archives, bundled_files, imagenet
from workshop_utils.data.sets.mnist import read_idx
from workshop_utils.exercises import kit
from workshop_utils.exercises.verdict import LOOKS
from workshop_utils.models import weights
from workshop_utils.widgets import collection, digit_pad

READY = json.loads((weights.READY / "cards.json").read_text("utf-8"))
repeatable = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


# --- exercises, answered with anything ---


class Hostile:
    """An object on which everything that Python asks of objects fails."""

    __len__ = __iter__ = __eq__ = __bool__ = __float__ = __array__ = __index__ = __call__ = (
        __deepcopy__
    ) = lambda *_: 1 / 0
    __hash__ = object.__hash__


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Net(nn.Module):
    """A net that answers what it is told to."""

    def __init__(self, answer):
        super().__init__()
        self.answer, self.weight = answer, nn.Parameter(torch.full((2,), float("nan")))

    def forward(self, *_):
        return self.answer


def spoil(value):
    """Changes whatever can be changed in place."""
    if isinstance(value, nn.Module):
        for parameter in value.train(not value.training).parameters():
            nn.init.constant_(parameter, 7)
    elif isinstance(value, (torch.Tensor, np.ndarray)) and value.size:
        value[...] = 0


def function(kind: str, value):
    """A function of any number of inputs that misbehaves in one of many ways."""

    def answer(*inputs):
        if kind == "spoils its inputs":
            for one in inputs:
                spoil(one)
        if kind == "raises":
            raise value if isinstance(value, BaseException) else ValueError(value)
        if kind == "leaves":
            sys.exit()
        if kind == "calls itself":
            return answer(*inputs)
        if kind == "draws random numbers":
            return torch.rand(3), np.random.rand(3), random.random()
        return {
            "its input": inputs[0] if inputs else None,
            "its inputs": inputs,
            "itself": answer,
            "an endless generator": itertools.count(),
        }.get(kind, value)

    return (lambda: value) if kind == "takes nothing" else answer


KINDS = (
    "value",
    "spoils its inputs",
    "raises",
    "leaves",
    "calls itself",
    "draws random numbers",
    "its input",
    "its inputs",
    "itself",
    "an endless generator",
    "takes nothing",
)
numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.booleans(),
    st.complex_numbers(),
    st.fractions(),
    st.decimals(),
    st.sampled_from([10**400, -(10**400), 2**63, -0.0]),
)
shapes = arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
arrays_of_numbers = arrays.arrays(
    st.sampled_from(
        [np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_, np.complex64]
    ),
    shapes,
)
tensors = st.one_of(
    arrays_of_numbers.map(torch.from_numpy),
    st.sampled_from(
        [
            torch.full((3, 3), float("nan")),
            torch.full((3, 3), float("inf")),
            torch.full((3, 3), 1e300, dtype=torch.float64),
            torch.eye(3).to_sparse(),
            torch.ones(2, requires_grad=True),
            torch.empty(3, 3, device="meta"),
            torch.zeros(10, 1, 28, 28),
            torch.ones(2, 2).to(torch.bfloat16),
        ]
    ),
)
objects = st.builds(Hostile) | st.sampled_from(
    [
        None,
        ...,
        object(),
        print,
        int,
        nn.Linear,
        Exception,
        Unprintable(),
        KeyError(),
        iter([1]),
        itertools.count(),
        {1, 2},
        b"x",
        range(10**6),
        np.array([None, "a"], dtype=object),
        np.array(["a"]),
        np.array([np.datetime64("2026-01-01")]),
        type("Empty", (), {})(),
    ]
)
letters = st.sampled_from(
    [
        "A",
        "B",
        "C",
        "D",
        "recall",
        "precision",
        "frozen",
        "fine tuned",
        "resnet18",
        "my-classifier",
        "../..",
        "/etc/passwd",
        ".",
        "~",
        "\0",
        "\ud800",
        "ورشة",
        "A" * 10_000,
    ]
)
simple = st.one_of(numbers, st.text(max_size=20), letters, arrays_of_numbers, tensors, objects)
nets = st.one_of(
    simple.map(Net),
    st.sampled_from(
        [
            nn.Identity(),
            nn.Linear(3, 3),
            nn.LazyLinear(10),
            nn.Sequential(),
            nn.Flatten(),
            nn.ReLU(),
            nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
            nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3), nn.Flatten(), nn.LazyLinear(9)),
            nn.Softmax(1),
            models.build("lenet", classes=3),
        ]
    ),
)
values = st.recursive(
    st.one_of(simple, nets),
    lambda part: st.one_of(
        st.lists(part, max_size=4),
        st.lists(part, max_size=4).map(tuple),
        st.tuples(letters, part),
        st.dictionaries(st.text(max_size=3), part, max_size=2),
    ),
    max_leaves=6,
)
answers = st.one_of(values, st.builds(function, st.sampled_from(KINDS), values))


@pytest.fixture(scope="module")
def notebook():
    """What the cells of the three chapters hand to the checks, and use again afterwards."""
    test = loaded("fashion-mnist", "test").subset(range(400))
    predictions, net = (
        evaluation.predict(models.ready("lenet-fashion-mnist"), test),
        models.ready("small_resnet-fashion-mnist"),
    )
    net[0].train()  # another mode than the rest has
    return {
        "predictions": predictions,
        "others": predictions,
        "miss": 5,
        "alarm": 1,
        "price": 0.5,
        "result": evaluation.evaluate(predictions),
        "net": net,
        "test": test,
    }


def sums(given: dict) -> list:
    """Everything that a later cell would notice: pictures, labels, probabilities, weights, modes and random numbers to come."""
    net, test, predictions = given["net"], given["test"], given["predictions"]
    held = [
        test.images,
        test.labels,
        test.mean,
        test.std,
        torch.as_tensor(predictions.probabilities),
        torch.as_tensor(predictions.labels),
        *net.state_dict().values(),
        torch.random.get_rng_state(),
        torch.from_numpy(np.random.get_state()[1].astype(np.int64)),
    ]
    settings = [
        [layer.training for layer in net.modules()],
        [parameter.requires_grad for parameter in net.parameters()],
        random.getstate(),
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        predictions.classes,
        test.classes,
        given["result"].accuracy,
        os.getcwd(),
    ]
    return [
        hashlib.sha256(tensor.detach().contiguous().numpy().tobytes()).hexdigest()
        for tensor in held
    ] + settings


@pytest.mark.parametrize(
    "exercise",
    [one for chapter in kit.CHAPTERS for one in kit.exercises(chapter)],
    ids=lambda one: one.number,
)
def test_any_answer_gets_a_verdict_and_leaves_the_notebooks_data_as_they_were(
    exercise, notebook, tmp_path, monkeypatch
):
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "load", lru_cache(data.load))  # some judges load a set each time
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)

    @settings(repeatable, max_examples=15)
    @example(function("leaves", None))
    @example(function("raises", Unprintable()))
    @example(function("value", notebook["net"]))
    @given(
        st.one_of(
            answers,
            st.sampled_from(list(notebook.values())),
            st.builds(function, st.just("value"), st.sampled_from(list(notebook.values()))),
        )
    )
    def check(answer):
        before = sums(notebook)
        exercises.check(
            exercise.number, answer, **{name: notebook[name] for name in exercise.given}
        )
        said = shown.pop()
        assert (
            said.kind in LOOKS and 10 < len(said.words) < 700 and repr(said) and said._repr_html_()
        )
        assert sums(notebook) == before

    check()


# --- damaged files of the course ---

READERS = {  # bundled file -> who reads it
    "clip-art.zip": lambda: data.load("clip-art"),
    "photos.zip": lambda: data.photo_annotation("tabby"),
    "photographs.zip": lambda: data.load("photographs"),
    "clip-art-rejected.zip": data.rejected,
    "photographs-rejected.zip": lambda: data.rejected("photographs"),
    "stand-ins.zip": lambda: data.gallery("sign-mnist"),
    "squeezenet1_1.safetensors": lambda: models.build(
        "squeezenet1_1", classes=1000, pretrained=True
    ),
    "imagenet-words.tsv": lambda: (imagenet.synsets.cache_clear(), data.imagenet.class_names()),
    **{
        f"{name}/{stem}-{kind}-ubyte.gz": lambda name=name, split=split: data.load(name, split)
        for name in ("mnist", "fashion-mnist")
        for stem, split in (("train", "train"), ("t10k", "test"))
        for kind in ("images-idx3", "labels-idx1")
    },
}


def flipped(raw: bytes, seed: int) -> bytes:
    """The same bytes, but for one bit of one to three of them."""
    changed, chosen = bytearray(raw), random.Random(seed)
    for place in chosen.sample(range(len(raw)), chosen.randint(1, 3)):
        changed[place] ^= 1 << chosen.randrange(8)
    return bytes(changed)


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A folder of links that stands in for the bundled files; a function that harms one of them, another bit with every seed."""
    original, copy = bundled_files.BUNDLED, tmp_path / "workshop_utils/data/bundled"
    shutil.copytree(original, copy, copy_function=os.symlink)
    monkeypatch.setattr(bundled_files, "BUNDLED", copy)

    def harm(name: str, seed: int) -> None:
        (copy / name).unlink()
        (copy / name).write_bytes(flipped((original / name).read_bytes(), seed))

    yield harm
    imagenet.synsets.cache_clear()


def test_every_bundled_file_has_its_reader_above():
    assert set(READERS) == set(bundled_files.sums())


@pytest.mark.parametrize("name", READERS)
def test_any_flipped_bits_of_any_bundled_file_are_refused_with_its_name_and_the_cure(bundle, name):
    for seed in range(5):
        bundle(name, seed)
        with pytest.raises(
            data.DamagedFile,
            match=f"'{name}' is damaged.*git checkout -- workshop_utils/data/bundled/{name}",
        ):
            READERS[name]()


def test_any_flipped_bits_in_the_list_of_sums_are_refused_with_the_cure(bundle):
    for seed in range(40):
        bundle("SHA256SUMS", seed)
        with pytest.raises(
            data.DamagedFile,
            match="git checkout -- workshop_utils/data/bundled/.* workshop_utils/data/bundled/SHA256SUMS",
        ):
            for name in READERS:
                bundled_files.bundled(name)


@pytest.mark.parametrize("name", READY)
def test_any_flipped_bits_of_a_trained_net_are_refused_with_its_name_and_the_cure(
    tmp_path, monkeypatch, name
):
    raw = (weights.READY / f"{name}.safetensors").read_bytes()
    shutil.copy(weights.READY / "cards.json", tmp_path)
    monkeypatch.setattr(weights, "READY", tmp_path)
    monkeypatch.setattr(weights, "kept", {})
    for seed in range(5):
        (tmp_path / f"{name}.safetensors").write_bytes(flipped(raw, seed))
        with pytest.raises(
            ValueError,
            match=f"'{name}.safetensors' is damaged.*git checkout -- workshop_utils/models/ready/{name}.safetensors",
        ):
            models.ready(name)


# --- folders that may not be written, and disks that are full ---

TRIED = """
import json, os, sys
from pathlib import Path
import torch
from helpers import tiny_dataset, tiny_net, file_bytes, photo
from workshop_utils import __main__ as commands, data, exercises, models, plots, scoreboard, takehome, transfer, widgets
from workshop_utils import paths
from workshop_utils.tools import start

here, said = Path(sys.argv[1]), {}
paths.HOME, start.MINE = here, here / "my-workshop"


def attempt(name, action):
    try:
        said[name] = str(action())
    except Exception as error:
        said[name] = f"{type(error).__name__}: {error}"


def own_pictures():
    panel = widgets.own_pictures(net, folder=here / "my-pictures")
    panel.act(lambda: panel.collection.add({"mine": [("1.png", lambda: file_bytes(photo()))]}))
    return panel.sentence.value


def classifier():
    net = models.build("efficientnet_lite0", classes=2, pretrained=True)
    net.classes = ("bird", "vehicle")
    return models.save(net, here / "mine", overwrite=True)


def done_again():
    exercises.check("2.2", 2416)
    exercises.progress(2, reset=True)


net = tiny_net(channels=3)
net.preprocess = lambda images: images.float()
def attempt_all():
    attempt("bundled set", lambda: len(data.load("mnist", "test")))
    attempt("features", lambda: tuple(transfer.features(net, tiny_dataset(2, channels=3)).shape))
    attempt("figure", lambda: plots.images(tiny_dataset(2).images).png()[:4])
    attempt("solved exercise", done_again)
    attempt("scoreboard", lambda: scoreboard.add("x:87.50:21000:9:" + scoreboard.Run("x", 87.5, 21_000, 9).code[-3:]).description)
    attempt("classifier", classifier)
    attempt("page", lambda: takehome.page(models.build("lenet", classes=10, channels=1), data.load("mnist", "test"), here / "my-net.html"))
    attempt("pictures", own_pictures)
    attempt("start", lambda: start.working_copy(paths.chapter(1)))
    attempt("start again", lambda: start.working_copy(paths.chapter(2), fresh=True))
    files = (path for path in here.rglob("*") if path.is_file() and "matplotlib" not in path.parts)
    print(json.dumps({**said, "left": [path.relative_to(here).as_posix() for path in files]}))


attempt_all()
"""
ROOM_AGAIN = "resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard)); attempt_all()"


CLOSED = """
here = Path(sys.argv[2])
paths.HOME, start.MINE = here, here / "my-workshop"
os.environ.update(HOME=str(here), WORKSHOP_DATA=str(here / "cache"), WORKSHOP_PROGRESS=str(here / "solved"))
transfer.forget()
scoreboard.codes_here.clear()
attempt_all()
"""


def tried(full: Path, closed: Path) -> list[dict[str, str]]:
    """What each part of the course said to a Python that may write in `full` no more than a few bytes, once it may, and in `closed` nothing."""
    environment = {
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")]),
        "HOME": str(full),
        "WORKSHOP_DATA": str(full / "cache"),
        "WORKSHOP_PROGRESS": str(full / "solved"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLCONFIGDIR": str(full / "matplotlib"),
    }
    code = full_disk(512) + TRIED + ROOM_AGAIN + CLOSED
    ended = subprocess.run(
        [*AS_OTHERS, sys.executable, "-c", code, str(full), str(closed)],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=full,
        env={**os.environ, **environment},
    )
    assert ended.returncode == 0 and "Traceback" not in ended.stderr, ended.stderr
    assert ended.stdout.count("2.2. Right.") == 3
    said = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    return [{**one, "printed": ended.stdout} for one in said]


def room(folder: Path) -> Path:
    """A folder with a notebook and a solved exercise in it."""
    for file in ("solved/2.2", "my-workshop/02_cnn_architectures.ipynb"):
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_text("mine")
    return folder


def needs_no_writing_and_works(said: dict):
    assert (said["bundled set"], said["features"], said["figure"]) == (
        "1000",
        "(6, 16)",
        "b'\\x89PNG'",
    )
    assert "2.2. Right." in said["printed"] and "1 run, which took" in said["scoreboard"]


AS_OTHERS = (
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if getattr(os, "geteuid", lambda: 1)() == 0
    else []
)  # root may write anywhere, without these not


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform == "win32" or (bool(AS_OTHERS) and not shutil.which("setpriv")),
    reason="limits files and rights as Unix does, root's with setpriv",
)
def test_full_disk_leaves_nothing_half_written_and_a_closed_folder_nothing_and_both_say_what_to_do(
    tmp_path,
):
    disk, shut = room(tmp_path / "disk"), room(tmp_path / "shut")
    for folder in (shut, shut / "solved", shut / "my-workshop"):
        folder.chmod(0o555)
    try:
        full, later, closed = tried(disk, shut)
    finally:
        for folder in (shut, shut / "solved", shut / "my-workshop"):
            folder.chmod(0o755)
    for said, reason in ((full, "File too large"), (closed, "Permission denied")):
        needs_no_writing_and_works(said)
        words = rf"'.+' cannot be written \({reason}\)\. Make room there"
        exercise = ("solved exercise",) * (said is closed)
        for name in ("classifier", "page", "start", "start again", *exercise):
            sentence = rf"OSError: {words}, or take a folder of your own\."
            assert re.fullmatch(sentence, said[name]), (name, said[name])
        assert re.search(words, html.unescape(said["pictures"]))
    assert {re.sub(r"\.\d{4}-.*\.ipynb", ".OLD.ipynb", name) for name in full["left"]} == {
        "solved/.lock",
        "solved/scoreboard.txt",
        "my-workshop/02_cnn_architectures.OLD.ipynb",
    }
    assert sorted(closed["left"]) == ["my-workshop/02_cnn_architectures.ipynb", "solved/2.2"]
    assert not [name for name, words in later.items() if "Error" in words and name != "printed"]
    first = nbformat.read(disk / "my-workshop/01_datasets_and_evaluation.ipynb", as_version=4)
    assert len(first.cells) > 20


# --- names and locales ---

EVERYDAY = r"""
from pathlib import Path
import torch
from workshop_utils import data, exercises, models, plots, takehome, training
from workshop_utils import paths
from workshop_utils.tools import start

train = data.load("mnist").subset(range(64))
net = models.build("lenet", classes=10, channels=1)
print(len(training.fit(net, train, epochs=1, batch_size=32).loss), "epoch")
big = models.build("efficientnet_lite0", classes=2, pretrained=True)
big.classes = ("\u0642\u0637\u0637", "caf\u00e9 cr\u00e8me")
models.save(big, "my classifier")
print(models.load("my classifier").classes == big.classes)
print(len(plots.images(train.images[:2], ["\u0642\u0637\u0637", "2"], title="\u0635\u0648\u0631").png()) > 1000)
exercises.check("2.2", 2416)
print(takehome.page(net, train).stat().st_size > 1000)
for chapter in paths.notebooks():
    start.working_copy(chapter)
print(start.MINE.parent == paths.HOME == Path.cwd(), len([*start.MINE.rglob("*.ipynb")]) == len(paths.notebooks()))
print(len(data.from_folder("my pictures", size=10)[0]), data.data_home().is_relative_to(Path.cwd()))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "locale",
    [
        # here Python reads UTF-8 by itself, which torch.export needs
        pytest.param({"LC_ALL": "C"}, id="C"),
        pytest.param({"LANG": "ar_DZ.UTF-8", "LC_ALL": "ar_DZ.UTF-8"}, id="ar_DZ"),
    ],
)
def test_course_works_in_a_folder_with_spaces_and_arabic_letters_under_any_locale(tmp_path, locale):
    home = linked_course(tmp_path / "ورشة الصور")
    class_folders(home / "my pictures", **{"قطط": 4, "dogs": 4})
    unset = dict.fromkeys(
        (
            "WORKSHOP_DATA",
            "WORKSHOP_PROGRESS",
            "XDG_CACHE_HOME",
            "LANG",
            "LC_ALL",
            "LC_CTYPE",
            "PYTHONUTF8",
            "PYTHONIOENCODING",
        ),
        "",
    )
    ended = fresh_python(
        EVERYDAY,
        cwd=home,
        env={
            **unset,
            "HOME": str(home),
            "PYTHONPATH": str(home),
            "PYTHONDONTWRITEBYTECODE": "1",
            **locale,
        },
    )
    lines = ended.stdout.splitlines()
    assert len(lines) == 7, ended.stderr
    assert lines == [
        "1 epoch",
        "True",
        "True",
        "2.2. Right. " + lines[3].partition("Right. ")[2],
        "True",
        "True True",
        "6 True",
    ], (lines, ended.stderr)
    assert list((home / ".cache").rglob("solved.txt"))
    assert [path.name for path in home.glob("my classifier*")] == ["my classifier.safetensors"]


# --- two notebooks at once, and one that is killed ---

MEDICAL = """
import hashlib, os, signal, sys
from dataclasses import replace
from pathlib import Path
from workshop_utils import data
from workshop_utils.data.cards import RemoteFile
from workshop_utils.data.sets import medical


def write_half_and_be_killed(path, target):
    if str(target).endswith("decoded.safetensors"):
        os.truncate(path, os.path.getsize(path) // 2)
        os.kill(os.getpid(), signal.SIGKILL)
    move(path, target)


url, size, published, kill, count = sys.argv[1:]
file = RemoteFile("MedNIST.tar.gz", int(size), published, {}, (url,))
medical.CARDS = [replace(medical.CARDS[0], files=(file,), train=6 * (int(count) - int(count) // 5), test=6 * (int(count) // 5))]
move = os.replace
if kill:
    os.replace = write_half_and_be_killed
train = data.load("medical-mnist", source="full")
print(hashlib.sha256(train.images.numpy().tobytes() + train.labels.numpy().tobytes()).hexdigest())
"""


def tar_of(*members: tuple[str, bytes, dict]) -> bytes:
    """A tar.gz whose members have a name, bytes, and what their header claims besides, true or not."""
    parts = []
    for name, raw, claims in members:
        member = tarfile.TarInfo(name)
        for claim, value in {"size": len(raw), **claims}.items():
            setattr(member, claim, value)
        parts += [member.tobuf(), raw + bytes(-len(raw) % 512)]
    return gzip.compress(b"".join(parts) + bytes(1024))


def medical_archive(count: int = 10) -> tuple[bytes, str]:
    """Medical MNIST with so many pictures a class: (the bytes of its archive, the sum of the pictures and labels to learn from)."""
    members, parts, learnt = [], [], count - count // 5
    for place, name in enumerate(data.card("medical-mnist").classes):
        for number in range(count):
            raw = file_bytes(photo(64, 64, "L", seed=count * place + number), "JPEG")
            members.append((f"MedNIST/{name}/{number:06}.jpeg", raw, {}))
            parts += [np.asarray(Image.open(io.BytesIO(raw))).tobytes()] * (number < learnt)
    return tar_of(*members), hashlib.sha256(
        b"".join(parts) + np.repeat(np.arange(6), learnt).tobytes()
    ).hexdigest()


@pytest.fixture(scope="module")
def scans():
    return medical_archive()


def about(url: str, raw: bytes, kill: str = "", count: int = 10) -> list[str]:
    """What MEDICAL has to be told."""
    return [url, str(len(raw)), f"md5:{hashlib.md5(raw).hexdigest()}", kill, str(count)]


NOTEBOOKS = """
import os, sys, traceback
from workshop_utils.data.sets import medical  # imported once, for all that are forked

code, *about, kill, count = sys.argv[1:]


def notebook(kill):
    if child := os.fork():
        return child
    sys.argv[1:] = [*about, kill, count]
    try:
        exec(code, {})
        sys.stdout.flush()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


if kill:
    print(os.waitpid(notebook(kill), 0)[1], os.listdir(os.environ["WORKSHOP_DATA"] + "/medical-mnist"), flush=True)
print([os.waitpid(child, 0)[1] for child in [notebook(""), notebook("")]])
"""


def notebooks(url: str, raw: bytes, home: Path, kill: str = "") -> list[str]:
    """What two notebooks print that load the set at once, each in a process, after one that is killed while it keeps it."""
    where = {"WORKSHOP_DATA": str(home), "WORKSHOP_MIRROR": "", "OMP_NUM_THREADS": "1"}
    process = started_python(NOTEBOOKS, MEDICAL, *about(url, raw, kill), **where)
    said, complaints = process.communicate(timeout=600)
    assert process.returncode == 0 and "Traceback" not in complaints, complaints
    return said.strip().splitlines()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="two processes are forked from one")
def test_two_notebooks_that_fetch_and_decode_one_set_at_once_both_get_it_and_keep_it_whole(
    scans, tmp_path
):
    raw, expected = scans

    def slow(handler):
        time.sleep(2)
        serve(raw)(handler)

    with server(slow) as host:
        said = [
            line for line in notebooks(host.url, raw, tmp_path) if "another" not in line.lower()
        ]
        assert said == [expected, expected, "[0, 0]"] and len(host.asked) == 1
    assert sorted(
        path.name for path in (tmp_path / "medical-mnist").iterdir() if path.name != ".lock"
    ) == ["MedNIST.tar.gz", "decoded.safetensors"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills as Unix does")
def test_notebook_killed_while_it_keeps_decoded_pictures_leaves_nothing_that_is_read(
    scans, tmp_path
):
    raw, expected = scans
    with server(serve(raw)) as host:
        first, *said = notebooks(host.url, raw, tmp_path, kill="yes")
        assert first.startswith(f"{int(signal.SIGKILL)} ") and first.count("decoded.") == 1
        assert re.search(r"'decoded\.[^']*\.part'", first)
        assert said == [expected, expected, "[0, 0]"] and len(host.asked) == 1
    left = sorted(path.name for path in (tmp_path / "medical-mnist").iterdir())
    assert left == [".lock", "MedNIST.tar.gz", "decoded.safetensors"]


WRITER = """
import sys
from pathlib import Path
from workshop_utils import paths
for number in range(400):
    paths.write(Path(sys.argv[1]), sys.argv[2].encode() * 20_000)
"""


def test_two_notebooks_that_write_the_same_file_never_mix_it(tmp_path):
    file, seen = tmp_path / "kept.json", set()
    writers = [started_python(WRITER, str(file), letter) for letter in "ab"]
    while any(writer.poll() is None for writer in writers):
        seen.add(file.read_bytes() if file.exists() else b"a" * 20_000)
    assert [writer.communicate()[1] for writer in writers] == ["", ""]
    assert seen <= {b"a" * 20_000, b"b" * 20_000} and len(list(tmp_path.iterdir())) == 1


# --- nothing that comes from outside is run, unpacked beyond measure, or let out ---

RUNS_WHAT_IT_READS = {
    "eval",
    "exec",
    "os.system",
    "os.popen",
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "marshal.load",
    "marshal.loads",
    "shelve.open",
    "dill.load",
    "dill.loads",
    "cloudpickle.load",
    "cloudpickle.loads",
    "joblib.load",
    "pandas.read_pickle",
    "pd.read_pickle",
    "yaml.load",
    "yaml.unsafe_load",
    "torch.hub.load",
}
ADMITTED = "zipfile.ZipFile(found[0]).extractall"  # of bundle/packages.py: wheels whose sums it has checked
PICKLES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml"}
SOURCES = sorted(
    path
    for folder in ("workshop_utils", "bundle", "deploy", "notebooks", "slides")
    for suffix in ("py", "ipynb")
    for path in (REPOSITORY / folder).rglob(f"*.{suffix}")
    if not {"node_modules", ".ipynb_checkpoints", "local"} & set(path.parts)
)


def dangers(source: str) -> list[str]:
    """The calls in a piece of Python that would run what a file or a person says, or unpack it wherever it wants to go."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PICKLES:
            found.append(f"from {node.module} import")
        if (
            isinstance(node, ast.ClassDef)
            and any("Unpickler" in ast.unparse(base) for base in node.bases)
            and "find_class" not in {getattr(part, "name", "") for part in node.body}
        ):
            found.append(f"class {node.name}")
        if not isinstance(node, ast.Call):
            continue
        name, options = (
            ast.unparse(node.func),
            {option.arg: ast.unparse(option.value) for option in node.keywords},
        )
        if (
            name in RUNS_WHAT_IT_READS
            or name.split(".")[-1] in ("extractall", "extract", "unpack_archive", "mktemp")
            or options.get("shell", "False") != "False"
            or (name == "torch.load" and options.get("weights_only") != "True")
            or options.get("allow_pickle", "False") != "False"
        ):
            found.append(f"line {node.lineno}: {name}")
    return found


def python_of(path: Path) -> str:
    if path.suffix == ".py":
        return path.read_text("utf-8")
    return "\n".join(cell.source for cell in code_cells(path))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_no_code_of_the_course_runs_what_a_file_holds(path):
    assert [call for call in dangers(python_of(path)) if not call.endswith(ADMITTED)] == []


@pytest.mark.parametrize(
    "bad",
    [
        "pickle.load(f)",
        "torch.load(f)",
        "torch.load(f, weights_only=False)",
        "np.load(f, allow_pickle=True)",
        "eval(x)",
        "exec(x)",
        "archive.extractall()",
        "subprocess.run(x, shell=True)",
        "os.system(x)",
        "from pickle import loads",
        "class U(pickle.Unpickler):\n    pass",
        "yaml.load(f)",
        "joblib.load(f)",
    ],
)
def test_search_for_such_code_finds_it(bad):
    assert dangers(bad) and not dangers(
        "net.eval(); torch.load(f, weights_only=True); np.load(f); subprocess.run(['a'])"
    )


def test_devices_pipes_and_links_in_an_archive_are_not_even_tried(tmp_path, capsys):
    picture = file_bytes(photo(20, 20))
    kinds = [
        (tarfile.CHRTYPE, {"devmajor": 1, "devminor": 5}),
        (tarfile.BLKTYPE, {"devmajor": 7}),
        (tarfile.FIFOTYPE, {}),
        (tarfile.SYMTYPE, {"linkname": "/etc/passwd"}),
        (tarfile.LNKTYPE, {"linkname": "../../etc/passwd"}),
    ]
    odd = [
        (f"cats/odd{place}.png", b"", {"type": kind, **claims})
        for place, (kind, claims) in enumerate(kinds)
    ]
    (tmp_path / "pets.tar.gz").write_bytes(
        tar_of(
            *odd,
            *(
                (f"{name}/{number}.png", picture, {})
                for name in ("cats", "dogs")
                for number in range(2)
            ),
        )
    )
    train, test = data.from_folder(tmp_path / "pets.tar.gz", size=10)
    assert len(train) + len(test) == 4 and "left out" not in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["pets.tar.gz"]


@pytest.mark.parametrize(
    "members",
    [
        [("cats/1.png", b"x", {"size": 10**12})],
        [(f"cats/{number}.png", bytes(4000), {}) for number in range(3)],
    ],
    ids=["one", "together"],
)
def test_archive_that_promises_more_than_is_read_is_refused(tmp_path, monkeypatch, members):
    monkeypatch.setattr(archives, "ARCHIVE_AT_MOST", 10_000)
    (tmp_path / "pets.tar.gz").write_bytes(tar_of(*members))
    with pytest.raises(
        data.DamagedFile,
        match="'pets.tar.gz' unpacks to more than is read here: 'cats/\\d.png' has",
    ):
        data.from_folder(tmp_path / "pets.tar.gz", size=10)


def test_gzip_of_a_gigabyte_of_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(archives, "UNPACKED_AT_MOST", 1 << 20)
    with pytest.raises(data.DamagedFile, match="'labels.gz' unpacks to more than 1,048,576 bytes"):
        read_idx(gzip.compress(bytes(1 << 22)), "labels.gz")


@contextmanager
def serving(folder: Path):
    """The mirror as an instructor starts it: (how to send it bytes and get its answer, the process)."""
    command = [sys.executable, "-m", "workshop_utils", "mirror", str(folder), "--port", "0"]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    port = int(re.search(r"http://[\d.]+:(\d+)", process.stdout.readline())[1])

    def send(raw: bytes, read: bool = True) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
            line.sendall(raw)
            return b"".join(iter(lambda: line.recv(1 << 16), b"")) if read else b""

    try:
        yield send, process
    finally:
        process.terminate()


ASKED = [
    "/../secret.txt",
    "/wheels/../secret.txt",
    "/%2e%2e/secret.txt",
    "/wheels/%2e%2e/secret.txt",
    "/wheels/..%2fsecret.txt",
    "/wheels/..%5csecret.txt",
    "/wheels/%252e%252e/secret.txt",
    "/secret.txt",
    "/etc/passwd",
    "//etc/passwd",
    "file:///etc/passwd",
    "/wheels/out.whl",
    "/wheels/pipe.whl",
    "/wheels/a.whl/",
    "/wheels/a.whl%00",
    "/wheels/a.whl%00.png",
    "http://[",
    "*",
    "/%ff%fe",
    "?",
    "/" + "a" * 60_000,
]


@pytest.mark.skipif(sys.platform == "win32", reason="makes pipes and links as Unix does")
def test_mirror_gives_its_own_files_and_nothing_else_whatever_it_is_asked(tmp_path):
    (tmp_path / "wheels").mkdir()
    (tmp_path / "secret.txt").write_text("root:secret")
    (tmp_path / "wheels/a.whl").write_bytes(b"wheel")
    (tmp_path / "wheels/big.whl").write_bytes(bytes(50_000_000))
    (tmp_path / "wheels/out.whl").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "wheels/pipe.whl")
    with serving(tmp_path) as (send, process):
        assert send(b"GET /wheels/a.whl HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nwheel")
        for path in ASKED:
            said = send(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            assert (
                re.match(rb"HTTP/1.\d (400|404|414) ", said)
                and b"root:" not in said
                and b"wheel" not in said.lower()
            ), (path, said[:200])
        head = send(b"HEAD /wheels/a.whl HTTP/1.0\r\n\r\n")
        assert b" 200 " in head and head.endswith(b"\r\n\r\n")  # what GET gives, without the file
        assert b" 404 " in send(b"HEAD /wheels/out.whl HTTP/1.0\r\n\r\n")
        for method in ("OPTIONS", "PATCH", "MOVE", "PUT", "POST", "DELETE"):
            assert b" 501 " in send(
                f"{method} /wheels/a.whl HTTP/1.0\r\nContent-Length: 4\r\n\r\nevil".encode()
            ), method
        for rubbish in (
            b"\0" * 100,
            b"\x16\x03\x01\x02\x00",
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /wheels/a.whl HTTP/1.0\r\n" + b"x: y\r\n" * 200 + b"\r\n",
            b"\n",
        ):
            send(rubbish + b"\r\n\r\n", read=False)
        for _ in range(5):
            send(
                b"GET /wheels/big.whl HTTP/1.0\r\n\r\n", read=False
            )  # whoever closes the lid in the middle
        assert send(b"GET /wheels/a.whl HTTP/1.0\r\n\r\n").endswith(b"wheel")
    assert process.communicate()[1] == "" and (tmp_path / "wheels/a.whl").read_bytes() == b"wheel"


def bomb(side: int = 10_001) -> bytes:
    """A small PNG whose header promises more pixels than are read."""
    raw = bytearray(file_bytes(Image.new("1", (8, 8))))
    raw[16:24] = struct.pack(">II", side, side)
    raw[29:33] = struct.pack(">I", zlib.crc32(raw[12:29]))
    return bytes(raw)


SENT = {
    "program": b"MZ" + bytes(200),
    "page": b"<html><script>alert(1)</script>",
    "drawing with a script": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "PDF": b"%PDF-1.7 1 0 obj",
    "PostScript": file_bytes(photo(20, 20), "EPS"),
    "Targa": file_bytes(photo(20, 20), "TGA"),
    "zip": b"PK\3\4" + bytes(60),
    "pickle": b"\x80\4\x95cos\nsystem\n",
    "nothing": b"",
    "cut picture": file_bytes(photo())[:300],
    "bomb": bomb(),
    "too large": bytes(collection.FILE_AT_MOST + 1),
}


def own_pictures(folder: Path):
    """The panel, with its upload and its camera: each a function that sends bytes as a browser does, under a name that leads elsewhere."""
    panel = widgets.own_pictures(tiny_net(channels=3), folder=folder)
    panel.name.value = "first"
    camera, upload = panel.box.children[1].children
    about = {
        "name": "../../../evil.png",
        "type": "image/png",
        "last_modified": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return (
        panel,
        lambda raw: setattr(
            upload, "value", ({**about, "size": len(raw), "content": memoryview(raw)},)
        ),
        lambda raw: setattr(
            camera,
            "photos",
            {
                "start": 0,
                "of": 1,
                "files": [[about["name"], "data:image/png;base64," + b64encode(raw).decode()]],
            },
        ),
    )


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("raw", SENT.values(), ids=SENT)
def test_upload_and_camera_answer_what_is_no_picture_with_a_sentence_and_keep_none_of_it(
    raw, tmp_path
):
    panel, *ways = own_pictures(tmp_path / "mine")
    for send in ways:
        panel.say("")
        send(raw)
        assert re.search("Left out: .*evil.png", panel.sentence.value)
    assert panel.collection.pictures == {} and not list(tmp_path.rglob("*"))


def test_upload_cannot_choose_where_it_is_kept(tmp_path):
    panel, *ways = own_pictures(tmp_path / "mine")
    for side, send in enumerate(ways):
        send(file_bytes(photo(40 + side, 30)))
    assert len(panel.collection.pictures["first"]) == 2
    assert all(
        re.fullmatch(r"mine/first/\d+\.png", path.relative_to(tmp_path).as_posix())
        for path in tmp_path.rglob("*")
        if path.is_file()
    )


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    "text",
    [
        *(b64encode(raw).decode()[:1_000_001] for raw in SENT.values()),
        "not base64 at all!",
        "\ud800",
        "أ" * 50,
        ",",
    ],
    ids=[*SENT, "other letters", "half a letter", "Arabic", "comma"],
)
def test_pad_answers_what_is_no_drawing_with_a_sentence_and_its_picture_stays(text):
    panel = widgets.drawing_pad(models.ready("lenet-mnist"), loaded("mnist", "test"))
    view, before = panel.box.children[1].children[0], panel.picture.value
    view.drawing = f"data:image/png;base64,{text}"
    view.strokes += 1
    assert panel.state["source"] == digit_pad.DRAWING and panel.picture.value == before
    assert re.search(
        "cannot be read as a picture|more than the 1,000,000|beyond the limit|base64|padding|ASCII",
        panel.sentence.value,
    ), panel.sentence.value
