"""Exercises: every stub is unattempted, every solution right, and real mistakes get the sentence that helps."""

import ast
import copy
import os
import re
import signal
import threading
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import code_cells, loaded
from torch import nn

from workshop_utils import data, evaluation, exercises, models, paths, transfer, widgets
from workshop_utils.exercises import kit, solved
from workshop_utils.exercises.judging import Raised, ask, described
from workshop_utils.widgets import decision_threshold

ALL = [exercise for chapter in kit.CHAPTERS for exercise in kit.exercises(chapter)]
every_exercise = pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.number)


@pytest.fixture(scope="module")
def given():
    """What the notebooks hand over."""
    predictions = evaluation.predict(
        models.ready("lenet-fashion-mnist"), loaded("fashion-mnist", "test")
    )
    return {
        "predictions": predictions,
        "others": predictions,
        "miss": 5,
        "alarm": 1,
        "price": 0.5,
        "result": evaluation.evaluate(predictions),
        "net": models.ready("small_resnet-fashion-mnist"),
        "test": loaded("fashion-mnist", "test"),
    }


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(tmp_path / "solved"))
    monkeypatch.setattr(kit, "_hints_shown", {})
    monkeypatch.setattr(kit, "_last_chapter", [])


def stubs() -> dict[str, str]:
    """Number -> source of the notebook cell that checks it."""
    cells = [cell.source for path in paths.chapters() for cell in code_cells(path)]
    return {
        match[1]: source
        for source in cells
        if (match := re.search(r'exercises\.check\(\s*"(\d\.\d+)"', source))
    }


def verdict(number: str, answer, given: dict) -> kit.Verdict:
    exercise = kit.find(number)
    return kit.judged(exercise, answer, **{name: given[name] for name in exercise.given})


def head_step(
    freeze: bool = True, still: bool = True, backward: bool = True, keep_head: bool = True
):
    def answer(net, images, labels):
        if freeze:
            transfer.freeze(net, keep_head=keep_head)
        if not keep_head:
            net[0].requires_grad_(True)
        net.eval() if still else net.train()
        optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
        if backward:
            F.cross_entropy(net(images), labels).backward()
            optimizer.step()
        return net

    return answer


def prepare(*parts: str, rates: tuple[float, float] = (1e-3, 1e-4), keep_head: bool = True):
    def answer(net):
        transfer.freeze(net, keep_head=keep_head)
        if parts:
            transfer.unfreeze(net, *parts)
        return torch.optim.AdamW(
            transfer.parameter_groups(net, head_rate=rates[0], body_rate=rates[1])
        )

    return answer


def saved_birds_and_vehicles() -> str:
    """The name of the classifier that the notebook saves for those who took no pictures; in the test's own folder."""
    net = models.build("efficientnet_lite0", classes=2, pretrained=True)
    net.classes = ("bird", "vehicle")
    return str(
        models.save(
            net, Path(os.environ["WORKSHOP_PROGRESS"]).with_name("birds"), overwrite=True
        ).with_suffix("")
    )


def foreign_file() -> str:
    path = Path(os.environ["WORKSHOP_PROGRESS"]).with_name("foreign.json")
    path.write_text("[]")
    path.with_suffix(".safetensors").write_bytes(b"")
    return str(path.with_suffix(""))


def probabilities(answer):
    """A function of net and pictures in evaluation mode, from one of scores."""
    return lambda net, pictures: answer(net.eval()(net.preprocess(pictures)))


def by_hand(reduce):
    """A cross-entropy that treats what the right classes got, (N,), in another way."""
    return lambda p, labels: reduce(p[np.arange(len(labels)), labels])


def parts(
    order=torch.randperm, labels=lambda labels, order: labels[order], cut=lambda a: (a[10:], a[:10])
):
    """A split as exercise 1.3 asks for, with one part done in another way."""

    def answer(images, named):
        chosen = order(len(images))
        (learn, check), (learn_labels, check_labels) = (
            cut(images[chosen]),
            cut(labels(named, chosen)),
        )
        return learn, learn_labels, check, check_labels

    return answer


def tiny(*layers, classes=10):
    return (
        nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(classes))
        if layers
        else nn.Sequential(nn.Flatten(), nn.Linear(784, classes))
    )


def dry(net):
    net(torch.zeros(2, 1, 28, 28))
    return net


def block(forward, around=False):
    """A class as exercise 2.7 asks for, with another way through it."""

    class Block(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.first, self.second = (
                nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels))
                for _ in range(2)
            )
            if around:
                self.around = nn.Conv2d(channels, channels, 1)

        def forward(self, x):
            return forward(self, x)

    return Block


def scores(given, name="Trouser"):
    return given["result"].per_class[given["result"].predictions.classes.index(name)]


# (number, answer as a function of what the notebook has, part of the sentence)
WRONG = [
    ("1.1", lambda g: "A", "how they look"),
    ("1.1", lambda g: "b", "runs, without any error"),
    ("1.1", lambda g: "D", "never saw the second"),
    ("1.1", lambda g: "E", "one letter of"),
    ("1.2", lambda g: 100 * 20 / 168, "percentage"),
    ("1.2", lambda g: 1 / 9, "equally large"),
    ("1.2", lambda g: 20, "share of all"),
    ("1.2", lambda g: 20 / 320, "test drawings too"),
    ("1.2", lambda g: 15 / 168, "rarest class"),
    ("1.2", lambda g: 0.5, "came 0.5"),
    ("1.2", lambda g: "bird", "came 'bird'"),
    (
        "1.3",
        lambda g: parts(labels=lambda a, order: a[order.flip(0)]),
        "still have their own label",
    ),
    ("1.3", lambda g: parts(cut=lambda a: (a, a[:10])), "10 pictures are in both"),
    ("1.3", lambda g: parts(order=lambda n: torch.arange(n)), "hardly any classes"),
    ("1.3", lambda g: parts(cut=lambda a: (a[20:], a[:10])), "come out of 100"),
    ("1.3", lambda g: parts(cut=lambda a: (a[50:], a[:50])), "a tenth was asked"),
    ("1.3", lambda g: lambda x, y: (x, y), "four parts"),
    ("1.3", lambda g: lambda x, y: (x[10:], x[:10], y[10:], y[:10]), "as many labels"),
    ("1.3", lambda g: lambda x, y: (x[10:] + 1, y[10:], x[:10] + 200, y[:10]), "other pictures"),
    ("1.4", lambda g: 1, "still below 99 %"),
    ("1.4", lambda g: 10, "every net has 100 %"),
    ("1.4", lambda g: 9, "reaches 99 %, but"),
    ("1.4", lambda g: 0.99, "came 0.99"),
    ("1.5", lambda g: by_hand(lambda p: np.log(p).mean()), "sign is wrong"),
    ("1.5", lambda g: by_hand(lambda p: -np.log10(p).mean()), "base 10"),
    ("1.5", lambda g: by_hand(lambda p: -np.log2(p).mean()), "base 2"),
    ("1.5", lambda g: by_hand(lambda p: -np.log(p).sum()), "the sum over"),
    ("1.5", lambda g: by_hand(lambda p: -np.log(p)), "one value a picture"),
    ("1.5", lambda g: by_hand(lambda p: -np.log(p.mean())), "before the mean"),
    ("1.5", lambda g: lambda p, labels: -np.log(p).mean(), "mean over all classes"),
    ("1.5", lambda g: lambda p, labels: None, "is there a return?"),
    (
        "1.5",
        lambda g: lambda p, labels: F.cross_entropy(torch.tensor(p), torch.tensor(labels)),
        "a second time",
    ),
    ("1.5", lambda g: lambda p, labels: -np.log(p[labels]), "picked rows"),
    ("1.5", lambda g: lambda p, labels: -np.log(p[:, labels]).mean(), "all pairs"),
    ("1.5", lambda g: lambda p, labels: -np.log(p.max(1)).mean(), "also where the net is wrong"),
    ("1.5", lambda g: 2.3, "function or a net"),
    ("1.6", lambda g: "A", "accuracy would be higher"),
    ("1.6", lambda g: "C", "is a mean"),
    ("1.6", lambda g: "D", "no such weights"),
    ("1.7", lambda g: (100 * scores(g).precision, 100 * scores(g).recall), "percentages"),
    ("1.7", lambda g: (scores(g).recall, scores(g).precision), "swapped"),
    (
        "1.7",
        lambda g: (scores(g, "Shirt").precision, scores(g, "Shirt").recall),
        "scores of 'Shirt'",
    ),
    ("1.7", lambda g: 0.9, "of shape (2,)"),
    ("1.7", lambda g: (scores(g).precision, scores(g).f1), "The second is F1"),
    ("1.8", lambda g: ("recall", 0.5), "default"),
    ("1.8", lambda g: ("recall", 30), "percentage"),
    ("1.8", lambda g: ("recall", 0.0), "everything is called"),
    ("1.8", lambda g: ("recall", 1.0), "nothing is called"),
    ("1.8", lambda g: ("precision", 0.2), "Misses lower recall"),
    ("1.8", lambda g: ("recall", float("nan")), "came nan"),
    ("1.8", lambda g: ("Recall ", 0.97), "There is a threshold that costs"),
    ("1.8", lambda g: ("f1", 0.2), "came 'f1'"),
    ("1.8", lambda g: 0.2, "a metric and a threshold"),
    ("1.9", lambda g: "A", "20 of 10,000"),
    ("1.9", lambda g: "C", "wider"),
    ("1.9", lambda g: "D", "chance in it too"),
    ("1.10", lambda g: "A", "more twins"),
    ("1.10", lambda g: "B", "share that leaks"),
    ("1.10", lambda g: "D", "can have twins"),
    ("1.11", lambda g: lambda x: x, "Nothing changed"),
    ("1.11", lambda g: lambda x: 255 - x, "you would notice"),
    ("1.11", lambda g: lambda x: x - 3, "uint8 has wrapped"),
    ("1.11", lambda g: lambda x: x * 0, "you would notice"),
    ("1.11", lambda g: lambda x: x.float() + 2, "costs 10 points or more"),
    ("1.11", lambda g: lambda x: x[0], "shape that came in"),
    ("1.11", lambda g: lambda x: x * float("nan"), "not numbers"),
    ("2.1", lambda g: torch.tensor([[-1.0] * 3, [0.0] * 3, [1.0] * 3]), "turned by a quarter"),
    ("2.1", lambda g: [[1, 0, -1]] * 3, "other way round"),
    ("2.1", lambda g: torch.ones(3, 3), "add up to 9"),
    ("2.1", lambda g: torch.zeros(3, 3), "zeros"),
    ("2.1", lambda g: torch.ones(2, 2), "shape (3, 3)"),
    ("2.1", lambda g: [[-1, 0, 2], [-1, 0, -1], [-1, 0, 2]], "not at an edge"),
    ("2.1", lambda g: [[-1, -1, 0], [-1, 0, 1], [0, 1, 1]], "also from top to bottom"),
    ("2.1", lambda g: [[float("nan")] * 3] * 3, "finite"),
    ("2.2", lambda g: 2400, "also has one bias"),
    ("2.2", lambda g: 416, "through all 6 channels"),
    ("2.2", lambda g: 400, "and it has a bias"),
    ("2.2", lambda g: 151, "one kernel"),
    ("2.2", lambda g: 2496, "One bias a kernel"),
    ("2.2", lambda g: 5, "came 5"),
    ("2.2", lambda g: "2416", "without quotes"),
    ("2.2", lambda g: 2406, "one for each kernel"),
    ("2.3", lambda g: "A", "They shrink"),
    ("2.3", lambda g: "B", "There are more"),
    ("2.3", lambda g: "C", "scaled by itself"),
    ("2.4", lambda g: "A", "another kind"),
    ("2.4", lambda g: "B", "cannot doubt"),
    ("2.4", lambda g: "D", "more closely"),
    ("2.5", lambda g: "A", "accept the same"),
    ("2.5", lambda g: "B", "does not stop learning"),
    ("2.5", lambda g: "D", "another switch"),
    ("2.6", lambda g: 27 / 49, "share that is left"),
    ("2.6", lambda g: 0.82, "one 3x3 against"),
    ("2.6", lambda g: 0.63, "two of them"),
    ("2.6", lambda g: 0.28, "two 3x3 against"),
    ("2.6", lambda g: 45, "percentage"),
    ("2.6", lambda g: 0.9, "came 0.9"),
    (
        "2.7",
        lambda g: block(lambda s, x: s.second(torch.relu(s.first(x))).relu() + x),
        "after the last ReLU",
    ),
    ("2.7", lambda g: block(lambda s, x: torch.relu(x)), "computes nothing"),
    (
        "2.7",
        lambda g: block(lambda s, x: torch.relu(s.second(torch.relu(s.first(x) + x)) + 2 * x)),
        "answers the double",
    ),
    ("2.7", lambda g: block(lambda s, x: torch.relu(s.second(s.first(x)) - x)), "sign turned"),
    (
        "2.7",
        lambda g: block(lambda s, x: torch.relu(s.second(s.first(x)) + s.around(x)), around=True),
        "weights of its own",
    ),
    ("2.7", lambda g: block(lambda s, x: s.first(x).mean()), "of the same shape"),
    ("2.7", lambda g: block(lambda s, x: torch.relu(s.first(x) + x)), "'second' is not used"),
    (
        "2.7",
        lambda g: block(lambda s, x: torch.relu(s.second(torch.relu(s.first(x)) + x))),
        "which loses it again",
    ),
    ("2.7", lambda g: lambda channels: channels, "Expected the class Block"),
    (
        "2.7",
        lambda g: block(lambda s, x: torch.relu(s.second(s.first(x)) + torch.relu(x) + 1)),
        "of the right shape but with other",
    ),
    ("2.8", lambda g: "ResNet-152", "60,192,808 parameters, more than"),
    ("2.8", lambda g: "resnext50", "25,028,904 parameters"),
    ("2.8", lambda g: "EfficientNet-B0", "fits, with 77.7 %"),
    ("2.8", lambda g: "lenet", "never measured"),
    ("2.8", lambda g: "resnet", "a name from the table"),
    ("2.8", lambda g: 3, "as text"),
    ("2.9", lambda g: "A", "overlap"),
    ("2.9", lambda g: "C", "lucky draw"),
    ("2.9", lambda g: "D", "tie in everything"),
    (
        "2.10",
        lambda g: models.build("lenet", classes=10, channels=1),
        "61,706 parameters, more than",
    ),
    ("2.10", lambda g: tiny(), "0 convolutions"),
    (
        "2.10",
        lambda g: dry(tiny(nn.Conv2d(1, 2, 9), nn.Conv2d(2, 2, 9), classes=9)),
        "(3, 10); came a tensor of shape (3, 9)",
    ),
    (
        "2.10",
        lambda g: nn.Sequential(dry(tiny(nn.Conv2d(1, 2, 9), nn.Conv2d(2, 2, 9))), nn.Softmax(1)),
        "softmax is inside",
    ),
    ("2.10", lambda g: nn.Sequential, "Expected a net"),
    ("3.1", lambda g: probabilities(lambda s: s), "before softmax"),
    ("3.1", lambda g: probabilities(lambda s: s.softmax(1).softmax(1)), "applied twice"),
    ("3.1", lambda g: probabilities(lambda s: s.softmax(0)), "wrong dimension"),
    ("3.1", lambda g: probabilities(lambda s: s.log_softmax(1)), "logarithms"),
    ("3.1", lambda g: probabilities(lambda s: s.argmax(1)), "most probable class"),
    ("3.1", lambda g: probabilities(lambda s: s.softmax(1).mean(0)), "mean over the pictures"),
    ("3.1", lambda g: lambda net, x: net(net.preprocess(x)).softmax(1), "net.eval() is missing"),
    ("3.1", lambda g: lambda net, x: net.eval()(x.float()).softmax(1), "net.preprocess"),
    ("3.2", lambda g: "A", "backbone does not"),
    ("3.2", lambda g: "B", "So far off"),
    ("3.2", lambda g: "D", "nothing to say"),
    ("3.3", lambda g: 11520, "also has a bias"),
    ("3.3", lambda g: 1281, "nine of them"),
    ("3.3", lambda g: 1281000, "old head"),
    ("3.3", lambda g: 4652008, "the whole net"),
    ("3.3", lambda g: 172800, "135 pictures became"),
    ("3.4", lambda g: 15, "fewer are enough"),
    ("3.4", lambda g: 3, "one of 1, 2, 5, 10, 15"),
    ("3.4", lambda g: "frozen", "one of 1, 2, 5"),
    ("3.4", lambda g: 1, "too few"),
    ("3.5", lambda g: prepare(), "Only the head moved"),
    ("3.5", lambda g: prepare("blocks.0", "blocks.1"), "More moved"),
    ("3.5", lambda g: prepare("blocks.1", rates=(1e-3, 1e-3)), "as long as the head's"),
    ("3.5", lambda g: prepare("blocks.1", keep_head=False), "the head did not"),
    ("3.5", lambda g: lambda net: None, "the optimizer back"),
    ("3.5", lambda g: 5, "Expected the function"),
    ("3.6", lambda g: "A", "three pictures of 150"),
    ("3.6", lambda g: "C", "more closely"),
    ("3.6", lambda g: "D", "chosen on the test set"),
    ("3.7", lambda g: head_step(still=False), "batch normalisation moved"),
    ("3.7", lambda g: head_step(backward=False), "Nothing moved"),
    ("3.7", lambda g: lambda net, images, labels: (net(images), net)[1], "head did not move"),
    (
        "3.1",
        lambda g: lambda net, x: net(net.preprocess(x)).softmax(1).detach().numpy(),
        "net.eval() is missing",
    ),
    ("3.7", lambda g: head_step(freeze=False), "Besides the head"),
    ("3.7", lambda g: head_step(keep_head=False), "head did not move"),
    ("3.7", lambda g: lambda net, images, labels: labels, "the same net back"),
    ("3.8", lambda g: "A", "no outlines"),
    ("3.8", lambda g: "C", "for any class"),
    ("3.8", lambda g: "D", "cover the place"),
    ("3.10", lambda g: "no-such-file", "There is no file"),
    ("3.10", lambda g: 3, "as text"),
    ("3.10", lambda g: saved_birds_and_vehicles(), "to begin with"),
    ("3.10", lambda g: foreign_file(), "does not describe a classifier"),
    ("3.11", lambda g: ("fine tuned", 1), "This plan costs"),
    ("3.11", lambda g: ("frozen", 3), "one of 1, 2, 5"),
    ("3.11", lambda g: 5, "a way and a number"),
    ("3.11", lambda g: ("magic", 5), "one of the ways"),
    ("3.9", lambda g: "A", "divides 100 %"),
    ("3.9", lambda g: "B", "would be honest"),
    ("3.9", lambda g: "C", "knows only yours"),
]


@pytest.mark.parametrize(
    "number, answer, sentence", WRONG, ids=[f"{number}-{sentence}" for number, _, sentence in WRONG]
)
def test_mistake_is_wrong_with_the_sentence_that_helps(number, answer, sentence, given):
    said = verdict(number, answer(given), given)
    assert (said.kind, sentence in said.words) == ("wrong", True), said


@every_exercise
def test_at_least_three_mistakes_are_in_the_table(exercise):
    assert sum(number == exercise.number for number, *_ in WRONG) >= 3


@every_exercise
def test_stub_is_not_attempted_and_says_what_to_do(exercise, given):
    said = []
    context = {
        "torch": torch,
        "nn": nn,
        "models": models,
        "data": data,
        "transfer": transfer,
        "SOURCE": "bundled",
        "choosing": None,
        "judging": None,
        "lenet": given["net"],
        "exercises": type(
            "Stub",
            (),
            {
                "check": staticmethod(
                    lambda number, answer, **_: said.append(verdict(number, answer, given))
                )
            },
        ),
    }
    source = "\n".join(
        line for line in stubs()[exercise.number].splitlines() if not line.startswith("from ")
    )
    exec(source, {**context, **given})
    assert said[0].kind == "unattempted" and f'exercises.hint("{exercise.number}")' in said[0].words


@every_exercise
def test_stub_and_solution_define_the_same_names_and_signatures(exercise):
    def defined(source: str) -> set[str]:
        nodes = [
            inner
            for node in ast.parse(source).body
            for inner in ast.walk(node)
            if isinstance(inner, (ast.FunctionDef, ast.Name))
        ]
        functions = {
            f"{node.name}({ast.unparse(node.args)})"
            for node in nodes
            if isinstance(node, ast.FunctionDef)
        }
        return functions | {
            node.id
            for node in nodes
            if isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Store)
            and node.id.startswith("my_")
        }

    assert defined(stubs()[exercise.number]) == defined(exercise.solution) != set()


@pytest.mark.parametrize("path", paths.chapters(), ids=lambda path: path.stem)
def test_chapter_runs_with_every_stub_replaced_by_its_solution_and_all_are_right(path, tmp_path):
    from nbclient import NotebookClient

    notebook, asked = nbformat.read(path, as_version=4), []
    for cell in notebook.cells:
        if cell.cell_type == "code" and (
            call := re.search(r'^exercises\.check\(\s*"(.+?)"[^@]*', cell.source, re.M)
        ):
            asked.append(call[1])
            kept = [
                line
                for line in cell.source.splitlines()
                if re.match("from |import |trouser = ", line)
            ]
            cell.source = "\n".join([*kept, kit.find(call[1]).solution, call[0]])
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(env={**os.environ, "WORKSHOP_PROGRESS": str(tmp_path / "progress")})
    assert asked == [exercise.number for exercise in kit.exercises(int(path.name[:2]))]
    assert {
        file.name
        for file in (tmp_path / "progress").iterdir()
        if re.fullmatch(r"\d\.\d+", file.name)
    } == set(asked)


@every_exercise
def test_question_has_its_options_in_the_notebook_and_hints_go_from_nudge_to_more(exercise):
    assert len(exercise.hints) >= 2 and exercise.why and exercise.title
    if exercise.solution.startswith("my_choice"):
        texts = [
            cell.source
            for path in paths.chapters()
            for cell in nbformat.read(path, as_version=4).cells
            if cell.cell_type == "markdown"
        ]
        (text,) = (text for text in texts if f"**Exercise {exercise.number}.** (" in text)
        assert re.findall(r"^- \*\*([A-Z])\*\* ", text, re.M) == list("ABCD")


@pytest.mark.parametrize("name", sorted(set(widgets.__all__) - {"Panel", "drawn", "your_labels"}))
def test_panel_stands_in_a_section_with_an_exercise(name):
    """A panel that no exercise uses has no place in the course."""
    sections = [
        section
        for path in paths.chapters()
        for section in re.split(
            r"^## ",
            "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells),
            flags=re.M,
        )
    ]
    assert any(
        f"widgets.{name}(" in section
        and re.search(r"exercises\.check\(|widgets\.your_labels\(", section)
        for section in sections
    )


# --- what a check promises ---


def test_exception_shows_the_attendees_own_line():
    def answer(probabilities, labels):
        return probabilities.reshape(7, 7)  # mine

    said = kit.judged(kit.find("1.5"), answer)
    assert (
        said.kind == "raised"
        and said.words.startswith("ValueError")
        and said.code.endswith("return probabilities.reshape(7, 7)  # mine")
    )


def test_exception_inside_a_net_shows_the_line_in_its_forward():
    class Mine(nn.Module):
        def forward(self, images):
            return images.view(7)

    assert "return images.view(7)" in kit.judged(kit.find("2.10"), Mine()).code


def test_answer_that_never_ends_is_stopped_by_the_interrupt():
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background job ignores it, and this would never end

    def answer(probabilities, labels):
        while True:
            pass

    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        assert kit.judged(kit.find("1.5"), answer).kind == "stopped"
    finally:
        signal.signal(signal.SIGINT, before)


def test_answer_cannot_change_what_it_is_given():
    given = torch.zeros(3)
    ask(lambda tensor: tensor.add_(1), given)
    assert not given.any()


def test_check_leaves_net_mode_and_random_numbers_as_they_were(given):
    net = kit.find("2.10")
    mine = models.stacked(
        "conv3 4, pool, conv3 4, pool", classes=10, input_shape=(1, 28, 28)
    ).train()
    before = copy.deepcopy(mine.state_dict())
    torch.manual_seed(0), np.random.seed(0)
    expected = torch.rand(2), np.random.rand(2)
    torch.manual_seed(0), np.random.seed(0)
    assert (
        kit.judged(net, mine).kind == "right"
        and kit.judged(kit.find("1.5"), lambda p, labels: np.random.rand(3)).kind == "wrong"
    )
    assert mine.training and transfer.changed(before, mine.state_dict()) == []
    assert torch.equal(torch.rand(2), expected[0]) and np.array_equal(
        np.random.rand(2), expected[1]
    )


def test_inputs_of_functions_are_new_each_time():
    seen = []
    for _ in range(2):
        kit.judged(kit.find("1.5"), lambda probabilities, labels: seen.append(probabilities))
    assert not np.array_equal(*seen)


STRANGE = [
    None,
    True,
    float("inf"),
    10**400,
    "",
    "A" * 1000,
    b"x",
    object(),
    [],
    {},
    {1},
    (1, 2, 3),
    iter([1]),
    (i for i in "ab"),
    print,
    int,
    lambda: 1,
    lambda *_: (yield),
    torch.empty(0),
    torch.full((3, 3), float("nan")),
    torch.ones(2, dtype=torch.complex64),
    torch.eye(3).to_sparse(),
    np.array(["a"]),
    nn.Identity(),
]


@every_exercise
def test_strange_answers_get_a_verdict(exercise, given, capsys):
    for answer in STRANGE:
        said = verdict(exercise.number, answer, given)
        assert said.kind in ("wrong", "raised") and len(said.words) < 600, (answer, said)


@pytest.mark.parametrize("miss, alarm", [(5, 1), (8, 1), (10, 1), (1, 3), (1, 4)])
def test_cheapest_step_of_the_panel_is_right_and_lazy_thresholds_never_are(miss, alarm, given):
    def kind(at):
        return verdict(
            "1.8",
            ("recall" if miss > alarm else "precision", at),
            {**given, "miss": miss, "alarm": alarm},
        ).kind

    best = min(
        decision_threshold.STEPS,
        key=lambda at: evaluation.decide(given["predictions"], "Shirt", at).cost(miss, alarm),
    )
    assert [kind(at) for at in (best, 0.5, 0, 1)] == ["right", "wrong", "wrong", "wrong"]


def test_costs_that_are_drawn_are_those_that_were_tried():
    assert "random.choice([(5, 1), (8, 1), (10, 1), (1, 3), (1, 4)])" in paths.chapter(1).read_text(
        "utf-8"
    )


PRICES = [0.1, 0.5, 3]


def test_prices_that_are_drawn_are_those_that_were_tried():
    assert f"random.choice({PRICES})" in paths.chapter(3).read_text("utf-8")


def test_no_plan_is_cheap_at_every_price_and_the_two_extremes_never_are_everywhere(given):
    plans = [
        (way, k)
        for way in ("raw pixels", "from scratch", "frozen", "fine tuned")
        for k in (1, 2, 5, 10, 15)
    ]
    right = [
        {plan for plan in plans if verdict("3.11", plan, {**given, "price": price}).kind == "right"}
        for price in PRICES
    ]
    assert all(0 < len(found) <= 6 for found in right) and not set.intersection(*right)


def test_every_solution_of_the_open_exercise_that_a_careless_photographer_would_find(given):
    net = models.ready("lenet-fashion-mnist")
    for change in (
        lambda x: x.roll(3, 3),
        lambda x: x.roll(-3, 3),
        lambda x: x.flip(3),
        lambda x: x.roll(4, 2),
    ):
        assert verdict("1.11", change, {**given, "net": net}).kind == "right"


def test_scores_rounded_to_two_digits_are_right(given):
    assert (
        verdict(
            "1.7", (round(scores(given).precision, 2), round(scores(given).recall, 2)), given
        ).kind
        == "right"
    )


def test_reset_of_everything_has_to_name_a_chapter():
    solved.remember("2.2")
    with pytest.raises(ValueError, match="Say which chapter"):
        exercises.progress(reset=True)
    assert solved.remembered() == {"2.2"}


def test_number_that_does_not_exist_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="No exercise is called '1.99'"):
        exercises.check("1.99", 1)
    with pytest.raises(ValueError, match="No exercise is called '12'.*1.2"):
        exercises.check("12", 1)


def test_number_without_quotes_is_answered_with_quotes():
    with pytest.raises(ValueError, match='in quotes: "1.2"'):
        exercises.hint(1.2)


def test_check_without_the_notebooks_data_says_what_lacks():
    with pytest.raises(ValueError, match=r"The check of 1.4 needs predictions=\.\.\. as well"):
        exercises.check("1.4", 4)


def test_five_kinds_of_verdict_differ_in_words_and_in_colour():
    made = [
        kit.Verdict("1.1", kind, "Words <b>.")
        for kind in ("right", "wrong", "raised", "stopped", "unattempted")
    ]
    assert (
        len({repr(one) for one in made})
        == 5
        == len({re.search("#[0-9A-F]{6}", one._repr_html_())[0] for one in made})
    )
    assert all("&lt;b&gt;" in one._repr_html_() for one in made)


def test_exception_without_a_line_of_the_attendee_has_its_message_alone():
    with pytest.raises(Raised) as caught:
        ask(int, "x")
    assert "invalid literal" in str(caught.value)


@pytest.mark.parametrize(
    "value, words",
    [
        (0.5, "0.5"),
        (None, "None (is there a return?)"),
        (torch.ones(2, 3), "a tensor of shape (2, 3)"),
        ([1, 2], "a list of 2"),
        (torch.tensor(0.25), "the tensor 0.25"),
        (object(), "something of type object"),
    ],
)
def test_what_came_is_described_in_words(value, words):
    assert described(value) == words


# --- hint, solution, progress ---


def test_hint_gives_one_more_each_time(capsys):
    exercise = kit.find("3.7")
    for shown in range(1, 5):
        exercises.hint("3.7")
        said = capsys.readouterr().out
        assert [text in said for text in exercise.hints] == [number < shown for number in range(3)]
    assert "exercises.solution" in said


def test_solution_shows_code_and_why(capsys):
    exercises.solution("2.2")
    assert (
        kit.find("2.2").solution in (said := capsys.readouterr().out)
        and kit.find("2.2").why in said
    )


def test_progress_is_remembered_by_a_new_kernel_and_can_be_reset(capsys):
    exercises.check("2.2", 2416)
    kit._last_chapter.clear()  # as after a restart
    exercises.progress(2)
    assert "1 of 10 solved" in capsys.readouterr().out
    exercises.progress(2, reset=True)
    assert "0 of 10 solved" in capsys.readouterr().out and solved.remembered() == set()


def test_progress_without_a_number_shows_the_chapter_last_worked_on(capsys):
    exercises.progress()
    assert f"0 of {len(ALL)} solved" in capsys.readouterr().out
    exercises.check("3.8", "A")
    exercises.progress()
    assert "0 of 11 solved" in capsys.readouterr().out


def test_folder_that_cannot_be_written_costs_no_verdict(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(tmp_path / "file"))
    exercises.check("2.2", 2416)
    said = capsys.readouterr().out
    assert "2.2. Right." in said and "could not be noted" in said
