"""Classifiers saved and loaded again: the same answers, and a sentence for every file that is none."""

import copy
import errno
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import fresh_python, loaded
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from workshop_utils import models
from workshop_utils.models import cards

CLASSES = ("cat", "dog", "طائر")
RECIPE = models.preprocessing(resize=32, crop=32, mean=[0.5] * 3, std=[0.25] * 3)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    made = models.build("lenet", classes=3).eval()
    made.preprocess, made.classes, made.threshold = RECIPE, CLASSES, 0.7
    return made


@pytest.fixture
def path(net, tmp_path):
    return models.save(net, tmp_path / "mine")


def with_(net, **attributes):
    """The same net under other words."""
    other = copy.copy(net)
    vars(other).update(attributes)
    return other


def card_of(path) -> dict:
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["card"])


def state_of(net) -> dict:
    return {name: tensor.contiguous() for name, tensor in net.state_dict().items()}


def same_answers(one, other) -> bool:
    pictures = loaded("photos").images[:2]
    with torch.inference_mode():
        return torch.allclose(one(one.preprocess(pictures)), other(other.preprocess(pictures)))


# --- one file, whatever its name ---


def test_loaded_classifier_answers_as_before_and_knows_its_classes():
    torch.manual_seed(0)
    net = models.build("efficientnet_lite0", classes=3, pretrained=True).eval()
    net.classes, net.threshold = CLASSES, 0.7
    again = models.load(models.save(net, "mine"))
    assert same_answers(again, net) and again.preprocess == net.preprocess
    assert again.classes == CLASSES and again.threshold == 0.7 and not again.training


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_one_file_holds_numbers_and_words_and_nothing_that_could_run(path):
    assert [file.name for file in path.parent.iterdir()] == ["mine.safetensors"]
    card = card_of(path)
    assert card["classes"] == list(CLASSES) and card["preprocessing"] == {
        "resize": 32,
        "crop": 32,
        "order": "RGB",
        "mean": [0.5] * 3,
        "std": [0.25] * 3,
        "interpolation": "bicubic",
    }


@pytest.mark.parametrize(
    "names", [("v1.2", "v1.3"), ("a.b.c", "a.b"), ("x.json", "x.pt"), (".", ".5")]
)
def test_names_that_differ_behind_a_dot_are_two_classifiers(net, tmp_path, names):
    names = [f"net{name}" for name in names]
    for name in names:
        models.save(with_(net, classes=(name, "b", "c")), tmp_path / name)
    assert [models.load(tmp_path / name).classes[0] for name in names] == names
    assert models.load(tmp_path / f"{names[0]}.safetensors").classes[0] == names[0]


def test_path_is_taken_as_people_paste_it(path, monkeypatch):
    monkeypatch.setenv("HOME", str(path.parent))
    for text in (f'"{path}"', f" '{path.with_suffix('')}' ", "~/mine", path.as_uri()):
        assert models.load(text).classes == CLASSES


def test_way_of_enlarging_may_be_a_word_as_in_torchvision(net, tmp_path):
    word = models.preprocessing(resize=32, crop=32, mean=[0.5], std=[0.5], interpolation="bilinear")
    again = models.load(models.save(with_(net, preprocess=word), tmp_path / "word"))
    assert again.preprocess.interpolation.value == "bilinear"


def test_suffix_in_capitals_is_not_given_twice(net, tmp_path):
    assert models.save(net, tmp_path / "mine.SafeTensors").name == "mine.SafeTensors"


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda net: torch.compile(net, backend="eager")])
def test_wrapped_net_is_saved_as_what_is_inside(net, tmp_path, wrap):
    assert same_answers(models.load(models.save(wrap(net), tmp_path / "mine")), net)


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_classifier_without_a_name_is_refused(net, name):
    for action in (models.load, lambda path: models.save(net, path)):
        with pytest.raises(ValueError, match="needs a name, such as 'mine'"):
            action(name)


def test_name_that_is_not_there_is_answered_with_those_that_are(path):
    with pytest.raises(
        FileNotFoundError,
        match=r"There is no file 'yours.safetensors' .* Classifiers there: mine\.",
    ):
        models.load("yours")


def test_existing_classifier_is_overwritten_only_if_asked(net, path):
    before, other = path.read_bytes(), with_(net, classes=("a", "b", "c"))
    with pytest.raises(FileExistsError, match="it was left as it is"):
        models.save(other, path)
    assert path.read_bytes() == before
    models.save(other, path, overwrite=True)
    assert models.load(path).classes == ("a", "b", "c")


def test_random_numbers_to_come_are_the_same_whether_a_net_is_saved_or_not(net, tmp_path):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    models.save(net, tmp_path / "mine")
    assert torch.equal(torch.rand(3), expected)


def test_net_in_training_stays_in_training_and_its_statistics_stay(tmp_path):
    net = models.build("small_resnet", classes=3).train()
    net.preprocess, net.classes = RECIPE, CLASSES
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    models.save(net, tmp_path / "mine")
    assert net.training and all(
        torch.equal(net.state_dict()[name], before[name]) for name in before
    )


# --- what cannot be used rightly later is not saved, and costs nothing that was there ---


NO_NET = [
    ("is no resnet18 with 3 classes: ", {"architecture": "resnet18"}),
    (r"2 tensors differ, '12.bias' first \(\(3,\) for \(2,\)\)", {"classes": ("a", "b")}),
    ("classes are not a list of two or more", {"classes": ("a", "a", "b")}),
    ("classes are not a list of two or more", {"classes": "abc"}),
    ("classes are not a list of two or more", {"classes": range(3)}),
    ("classes are not a list of two or more", {"classes": {"a", "b", "c"}}),
    ("threshold does not lie between 0 and 1", {"threshold": float("nan")}),
    ("threshold does not lie between 0 and 1", {"threshold": torch.tensor([0.1, 0.2])}),
    ("threshold does not lie between 0 and 1", {"threshold": None}),
    ("threshold does not lie between 0 and 1", {"threshold": "0.5"}),
    ("threshold does not lie between 0 and 1", {"threshold": object()}),
    (
        "cannot be written down; make it with models.preprocess",
        {"preprocess": lambda picture: picture},
    ),
    ("has no .classes, .* net.classes = dataset.classes", {"classes": ...}),
    ("has no .preprocess", {"preprocess": ...}),
]


@pytest.mark.parametrize("words, change", NO_NET)
def test_net_that_could_not_be_used_later_is_not_saved_and_the_old_one_stays(
    net, path, words, change
):
    before, other = path.read_bytes(), with_(net, **change)
    for name in [name for name, value in change.items() if value is ...]:
        delattr(other, name)
    with pytest.raises(ValueError, match=words):
        models.save(other, path, overwrite=True)
    assert path.read_bytes() == before and [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize("threshold", [np.float32(0.5), torch.tensor(0.5), np.array(0.5), 0.5])
def test_threshold_of_torch_and_of_numpy_is_a_number(net, tmp_path, threshold):
    again = models.load(models.save(with_(net, threshold=threshold), tmp_path / "mine"))
    assert again.threshold == 0.5 and type(again.threshold) is float


def test_class_that_was_a_folder_of_no_known_letters_comes_back(net, tmp_path):
    classes = (os.fsdecode(b"cl\xff"), "b", np.str_("c"))
    assert (
        models.load(models.save(with_(net, classes=classes), tmp_path / "mine")).classes == classes
    )


def changed(net, change):
    other = copy.deepcopy(net)
    change(other)
    return other


@pytest.mark.parametrize(
    "change",
    [
        lambda net: net.set_submodule("2", nn.Tanh()),
        lambda net: net.register_forward_hook(lambda layer, inputs, output: output.flip(1)),
        lambda net: net.register_forward_hook(lambda layer, inputs, output: 1.01 * output),
    ],
    ids=["another activation", "a hook", "a hook of one percent"],
)
def test_net_that_answers_otherwise_with_the_same_tensors_is_not_saved(net, tmp_path, change):
    with pytest.raises(ValueError, match="has the tensors of lenet, but answers otherwise"):
        models.save(changed(net, change), tmp_path / "mine")
    assert [*tmp_path.iterdir()] == []


@pytest.fixture
def darkening(monkeypatch):
    """The name of an architecture with a switch beside its tensors, as GoogLeNet has its transform_input."""

    class Darkening(nn.Sequential):
        def __init__(self, classes):
            super().__init__(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, classes))
            self.dark = False

        def forward(self, pixels):
            return super().forward(pixels * 0.1 if self.dark else pixels)

    facts = {"title": "", "year": 0, "paper": "", "layers": 1, "parameters": 8, "idea": ""}
    builder = lambda *, classes, channels=3: Darkening(classes)
    monkeypatch.setitem(
        cards.CARDS, "dark", models.ModelCard(name="dark", builder=builder, **facts)
    )
    return "dark"


@pytest.mark.parametrize("dark", [False, True])
def test_what_a_pretrained_net_has_beside_its_tensors_is_kept(darkening, tmp_path, dark):
    net = models.build(darkening, classes=2)
    net.preprocess, net.classes, net.dark, net.mine = RECIPE, ("a", "b"), dark, True
    again = models.load(models.save(net, tmp_path / "mine"))
    assert again.dark is dark and not hasattr(again, "mine") and same_answers(again, net)


@pytest.mark.slow
def test_googlenet_that_scales_inside_does_so_again_when_it_is_loaded(tmp_path):
    torch.manual_seed(0)
    net = models.build("googlenet", classes=2)
    net.transform_input = True  # as its pretrained weights come
    net.preprocess, net.classes = RECIPE, ("a", "b")
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = None
    net(torch.randn(8, 3, 64, 64))  # statistics that fit the weights
    net.eval()
    again = models.load(models.save(net, tmp_path / "mine"))
    assert again.transform_input and same_answers(again, net)


KILLED = """
import os, signal, sys
import torch
from workshop_utils import models

net = models.build("lenet", classes=2)
net.preprocess = models.preprocessing(resize=32, crop=32, mean=[0.5], std=[0.5])
net.classes = ("old", "old too")
models.save(net, "mine")
net.classes = ("new", "new too")
seen, torch_is_used = [], torch.zeros(1)
for step in range(1, 100):
    child = os.fork()
    if not child:
        left = [step]
        def count(event, arguments):
            if event == "open" or event.startswith("os."):
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
        sync = os.fsync
        os.fsync = lambda number: (count("os.fsync", ()), sync(number), count("os.fsync", ()))
        sys.addaudithook(count)
        models.save(net, "mine", overwrite=True)
        os._exit(0)
    ended = os.waitpid(child, 0)[1]
    seen.append(models.load("mine").classes[0])
    if ended == 0:
        break
    assert ended == signal.SIGKILL, ended
print(step, seen.index("new"), os.listdir())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills as Unix does")
def test_killed_at_any_step_the_old_classifier_or_the_new_one_is_there_and_nothing_else_stays(
    tmp_path,
):
    ended = fresh_python(KILLED, cwd=tmp_path, env={"OMP_NUM_THREADS": "1"})
    assert ended.stderr == "" and ended.returncode == 0, ended.stderr
    steps, new, *left = ended.stdout.split(maxsplit=2)
    assert int(steps) > 5 and int(new) > 3 and left == ["['mine.safetensors']\n"]


def test_file_that_may_not_be_opened_is_not_called_missing(path, monkeypatch):
    def closed(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(OSError, match=r"mine.safetensors' cannot be read \(Permission denied\)"):
        models.load(path)


def test_full_disk_leaves_the_old_classifier(net, path, monkeypatch):
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(
        OSError, match=r"mine.safetensors' cannot be written \(No space left.* Make room"
    ):
        models.save(net, path, overwrite=True)
    assert path.read_bytes() == before and [*path.parent.iterdir()] == [path]


def no_room(number):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# --- nonsense ---


def test_another_programs_file_says_what_is_missing(net, tmp_path):
    path = tmp_path / "mine.safetensors"
    save_file(state_of(net), path)
    with pytest.raises(ValueError, match="has no card of models.save.*safetensors.torch.load_file"):
        models.load(path)


RECIPE_OF_CARD = {
    "resize": 32,
    "crop": 32,
    "mean": [0.5] * 3,
    "std": [0.25] * 3,
    "interpolation": "bicubic",
}
NONSENSE = {
    "no card": "null",
    "a list": "[1, 2]",
    "broken": "{",
    "empty": " ",
    "deep": "[" * 100_000,
    "deep objects": '{"a":' * 100_000,
    "many digits": "1" * 100_000,
    **{
        f"{name} {value!r}"[:40]: {name: value}
        for name, values in {
            "architecture": [
                "resnet",
                "timm/lenet",
                "timm/hf-hub:some/body",
                ["lenet"],
                None,
                3,
                "x" * 100_000,
                {"a": 1},
                True,
            ],
            "classes": [
                None,
                "abc",
                3,
                [["a"], {"b": 1}, "c"],
                ["a", "a", "b"],
                ["a", "b"],
                [],
                [1, 2, 3],
            ],
            "threshold": [
                None,
                "0.5",
                [0.5],
                True,
                -0.1,
                1.5,
                float("nan"),
                float("inf"),
                10**400,
                {},
            ],
            "preprocessing": [None, [], "x", {"resize": 32}, {**RECIPE_OF_CARD, "more": 1}],
            "switches": [3, ["a"], {"transform_input": "no"}, {"forward": 1}],
            "options": [3, {"pretrained": True}, {"img_size": 56}, {"img_size": [-1, 10**9]}],
            "about": [
                3,
                {"author": "me"},
                {"purpose": 1},
                {"right": 3, "judged": 2},
                {"right": -1},
                {"judged": True},
                {"pictures": 4},
                {"pictures": [1, 2]},
                {"pictures": ["1", "2", "3"]},
            ],
        }.items()
        for value in values
    },
    **{
        f"{name} {value!r}"[:40]: {"preprocessing": {**RECIPE_OF_CARD, name: value}}
        for name, values in {
            "resize": [-4, 0, True, 32.0, "32", [32], 10**9, None],
            "crop": [-1, 0, False, 1e400, 10**400],
            "mean": [
                [],
                [0.5] * 2,
                0.5,
                "abc",
                [None] * 3,
                [float("nan")] * 3,
                [10**400] * 3,
                [True] * 3,
            ],
            "std": [[0, 0, 0], [-1] * 3, [1e-300] * 3, [float("inf")], ["a"], {"a": 1}],
            "interpolation": ["lanczos", "none", 3, ["bicubic"], None],
            "order": ["GBR", ["RGB"], None],
        }.items()
        for value in values
    },
}


@pytest.fixture(scope="module")
def described(net, tmp_path_factory):
    """A file with these words on its card."""
    folder = tmp_path_factory.mktemp("described")

    def made(words):
        path = folder / "mine.safetensors"
        if isinstance(words, dict):
            card = {
                "architecture": "lenet",
                "classes": list(CLASSES),
                "threshold": 0.7,
                "preprocessing": RECIPE_OF_CARD,
            }
            words = json.dumps({**card, **words})
        save_file(state_of(net), path, metadata={"card": words, "sha256": ""})
        return path

    return made


@pytest.mark.parametrize("words", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_on_a_card_is_refused_in_a_sentence(described, words):
    with pytest.raises(ValueError) as refused:
        models.load(described(words))
    said = str(refused.value)
    assert len(said) < 900 and re.search(
        "The file '.+ describe a|is no lenet|No model is called", said
    )


DAMAGE = {
    "cut": lambda raw: raw[:-100],
    "empty": lambda raw: b"",
    "zeros": lambda raw: bytes(len(raw)),
    "text": lambda raw: b"hello",
    "no tensors": lambda raw: raw[:400],
    "one number": lambda raw: raw[:-2] + bytes([raw[-2] ^ 1]) + raw[-1:],
    "one letter": lambda raw: raw.replace(b"dog", b"dig"),
    "one mean": lambda raw: raw.replace(b"0.25", b"0.35"),
    "one type": lambda raw: raw.replace(b'"F32"', b'"I32"', 1),
    "one sum": lambda raw: raw.replace(b"sha256", b"sha257"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_file_is_refused_in_a_sentence(path, damage):
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match="is damaged, or belongs|is not a safetensors file"):
        models.load(path)


def test_pickle_under_that_name_is_not_read(path):
    torch.save(nn.Linear(2, 2).state_dict(), path)
    with pytest.raises(ValueError, match="is not a safetensors file.* they could run code"):
        models.load(path)


def test_foreign_tensors_under_a_right_card_are_refused(path):
    with safe_open(path, "pt") as file:
        words = file.metadata()
    save_file({"weight": torch.zeros(2)}, path, metadata=words)
    with pytest.raises(ValueError, match=r"The file 'mine.safetensors' is no lenet with 3 classes"):
        models.load(path)


def test_folder_under_that_name_is_refused(tmp_path):
    (tmp_path / "mine.safetensors").mkdir()
    with pytest.raises(ValueError, match="is no file"):
        models.load(tmp_path / "mine")


def test_large_file_of_nothing_is_refused_without_reading_it(tmp_path):
    path = tmp_path / "mine.safetensors"
    with open(path, "wb") as file:
        file.truncate(1 << 35)
    with pytest.raises(ValueError, match="is not a safetensors file"):
        models.load(path)


def test_where_a_link_leads_the_classifier_is_written(net, path, tmp_path):
    (disk := tmp_path / "disk").mkdir()
    kept = shutil.move(path, disk / "kept.safetensors")
    path.symlink_to(kept)
    models.save(with_(net, classes=("a", "b", "c")), path, overwrite=True)
    assert path.is_symlink() and models.load(kept).classes == ("a", "b", "c")
