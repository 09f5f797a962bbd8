"""The slides: built from the sources that are here, with the chapters' numbers, minutes and exercises, and nothing from outside."""

import ast
import json
import re
from html import unescape
from itertools import accumulate
from pathlib import Path

import pytest
from test_imagenet import ilsvrc

from bundle import photographs, photos
from slides import build, figures, values
from workshop_utils import data, models, takehome
from workshop_utils.exercises import kit
from workshop_utils.paths import HOME

DECK = "image_classification"
PARTS = ("opening", "part 1", "part 2", "part 3", "close")
SECTIONS = {
    (chapter, number): words
    for chapter in "123"
    for number, words in values.sections(chapter).items()
}
EXERCISES = {
    one.number: values.task(one.number)[0]
    for chapter in (1, 2, 3)
    for one in kit.exercises(chapter)
    if f"**Exercise {one.number}.**" in values.prose(str(chapter))  # else the companion has it
}
QUESTIONS = [one for one in EXERCISES if "- **A** " in values.task(one)[1]]
COMMENT = re.compile(r"(?s)<!--(.*?)-->")


def slides(text: str) -> list[str]:
    """The slides of a document's Markdown, without what stands before the first."""
    return re.sub(r"(?s)\A---\n.*?\n---\n", "", text).split("\n---\n")


def sources() -> list[tuple[str, str]]:
    """(part, slide as people write it) of the whole deck."""
    files = sorted((build.HERE / "sources" / "deck").glob("*.md"))
    return [
        (part, slide)
        for part, file in zip(PARTS, files, strict=True)
        for slide in slides(file.read_text("utf-8").strip())
    ]


def built(name: str) -> str:
    return (build.BUILT / f"{name}.html").read_text("utf-8")


def shown() -> list[str]:
    """The words of each slide of the built deck."""
    return [
        " ".join(unescape(re.sub("<[^>]+>", " ", section)).split())
        for section in re.findall(r"(?s)<section id=.*?</section>", built(DECK))
    ]


def note(slide: str) -> str:
    """The first line of a slide's notes."""
    notes = [
        words.strip()
        for words in COMMENT.findall(slide)
        if not words.strip().startswith(("_class", "_footer"))
    ]
    return notes[0].splitlines()[0] if notes else ""


def guide() -> str:
    return values.GUIDE.read_text("utf-8")


def agenda(heading: str) -> list[tuple[int, str]]:
    """(minutes, what) of the rows of one agenda of the guide."""
    text = re.search(rf"(?s)## {heading} \(\d+ minutes\)\n(.+?)(?=\n## )", guide())[1]
    return [
        (int(minutes), what) for minutes, what in re.findall(r"(?m)^\| (\d+) \| (.+?) \|", text)
    ]


def test_built_files_are_those_of_these_sources():
    stamp = json.loads(build.STAMP.read_text("utf-8"))
    assert stamp == build.sums(), "run python slides/build.py"


def test_every_number_of_a_slide_is_the_chapters():
    """The placeholders are read again from the chapters' outputs and the cards, and looked for on the built slide."""
    found = 0
    for (_, slide), words in zip(sources(), shown(), strict=True):
        for kind, name, what in values.PLACEHOLDER.findall(COMMENT.sub("", slide)):
            if kind in ("chapter", "model", "data"):
                assert re.search(
                    rf"(?<![\d.,]){re.escape(values.value(kind, name, what))}(?!\d)", words
                ), words
                found += 1
    assert found > 50


def test_a_number_that_no_chapter_printed_is_refused():
    with pytest.raises(
        ValueError, match="The outputs of chapter 1 should hold .* with one value; they hold none"
    ):
        values.expand("{{chapter 1: the moon is (\\d+) km away}}")
    with pytest.raises(ValueError, match="No placeholder is called 'chaptre'"):
        values.expand("{{chaptre 1: x}}")


@pytest.mark.parametrize("name", build.DOCUMENTS)
def test_nothing_is_fetched(name):
    page = built(name)
    addresses = re.findall(r'(?:src|href|data-src|poster)="([^"]+)"', page) + re.findall(
        r"url\(\s*[\"']?([^)\"']+)", page
    )
    assert {
        re.split(r"[:,;]", address)[0] for address in addresses if not address.startswith("#")
    } <= {"data"}
    assert (build.BUILT / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_every_slide_has_notes_with_minutes_or_its_place_in_a_notebook():
    for _, slide in sources():
        line = note(values.expand(slide))
        assert re.match(
            r"(\d+(\.5)?) min\.$|Notebook \d, section \d, \d+ min\.$|(Exercise|Question) [\d.]+, \d+ min, inside its section\.$|Answer [\d.]+, inside",
            line,
        ), slide


@pytest.mark.parametrize("part", PARTS)
def test_talk_of_a_part_takes_the_minutes_of_the_day(part):
    talk = sum(
        float(found[1])
        for one, slide in sources()
        if one == part and (found := re.match(r"([\d.]+) min\.$", note(slide)))
    )
    assert dict((what, minutes) for minutes, what in agenda("A day"))[f"Slides: {part}"] == talk


def test_deck_goes_through_all_sections_and_exercises_in_order():
    deck = "\n".join(slide for _, slide in sources())
    assert re.findall(r"\{\{section (\d\.\d)\}\}", deck) == [
        f"{chapter}.{number}" for chapter, number in SECTIONS
    ]
    assert re.findall(r"\{\{(?:exercise|question) ([\d.]+)\}\}", deck) == list(EXERCISES)
    assert (
        re.findall(r"\{\{question ([\d.]+)\}\}", deck)
        == re.findall(r"\{\{answer ([\d.]+)\}\}", deck)
        == QUESTIONS
    )
    for _, slide in sources():
        if found := re.search(r"\{\{section (\d)\.(\d)\}\}", slide):
            assert (
                note(slide)
                == f"Notebook {found[1]}, section {found[2]}, {SECTIONS[found[1], int(found[2])][1]} min."
            )


def test_answer_stands_on_the_slide_after_its_question():
    numbers = [re.search(r"\{\{(question|answer) ([\d.]+)\}\}", slide) for _, slide in sources()]
    for place, found in enumerate(numbers):
        if found and found[1] == "question":
            assert numbers[place + 1][0] == f"{{{{answer {found[2]}}}}}"
            assert kit.find(found[2]).why not in values.question_slide(found[2])


@pytest.mark.parametrize(
    "heading, minutes", [("A day", 455), ("Half a day", 240), ("90 minutes", 90)]
)
def test_agenda_adds_up(heading, minutes):
    assert f"## {heading} ({minutes} minutes)" in guide()
    assert sum(row for row, _ in agenda(heading)) == minutes


@pytest.mark.parametrize("heading", ["A day", "Half a day"])
def test_agenda_names_every_section(heading):
    named = [(minutes, what) for minutes, what in agenda(heading) if what.startswith("Chapter")]
    assert [what for _, what in named] == [
        f"Chapter {chapter}, section {number}: {title}"
        for (chapter, number), (title, _) in SECTIONS.items()
    ]
    assert all(
        minutes == whole if heading == "A day" else minutes <= whole
        for (minutes, _), (_, whole) in zip(named, SECTIONS.values())
    )


def test_clock_of_the_day_is_that_of_its_table():
    rows = agenda("A day")
    begins = dict(
        zip(
            [
                f"{9 + past // 60}:{past % 60:02}"
                for past in accumulate((row for row, _ in rows), initial=0)
            ],
            [what for _, what in rows] + ["end"],
        )
    )
    assert {what for clock, what in begins.items() if clock in ("10:28", "14:12", "15:22")} == {
        "Break"
    } and (begins["12:05"], begins["16:35"]) == ("Lunch", "end")
    assert (
        "the breaks are at 10:28, 14:12 and 15:22, lunch is at 12:05, the end at 16:35"
        in " ".join(guide().split())
    )


def test_cells_of_the_short_route_are_in_their_sections():
    for _, what in agenda("90 minutes"):
        if found := re.match(r"Chapter (\d), section (\d): `([\w.]+)`", what):
            text = "\n".join("".join(cell["source"]) for cell in values.notebook(found[1])["cells"])
            section = re.search(rf"(?s)\n## {found[2]}\. (.+?)(?=\n## \d\. |\Z)", text)[1]
            assert f"{found[3]}(" in section, what


def test_guide_lists_every_exercise_with_its_minutes():
    rows = re.findall(r"(?m)^\| (\d\.\d+) \| (\d+) \| (.+?) \| (.+?) \|$", guide())
    records = [one for chapter in kit.CHAPTERS for one in kit.exercises(chapter)]
    assert [(number, int(minutes)) for number, minutes, *_ in rows] == [
        (one.number, one.minutes) for one in records
    ]


def test_deck_has_everything_that_the_workshop_named():
    deck = " ".join(shown())
    for words in (
        "Kamel Brouthen & Inas Bachiri",
        "Workshop plan",
        "MNIST",
        "Medical MNIST",
        "Sign Language MNIST",
        "Fashion-MNIST",
        "CIFAR-10",
        "CIFAR-100",
        "ImageNet",
        "Accuracy",
        "Precision",
        "Recall",
        "F1",
        "Cross-entropy",
        "Top-1",
        "Top-k",
        "LeNet",
        "AlexNet",
        "ILSVRC",
        "VGG",
        "VGG-19",
        "ResNet-18",
        "ResNet-50",
        "ResNet-101",
        "ResNet-152",
        "ZFNet",
        "GoogLeNet",
        "EfficientNet",
        "SENet",
        "Xception",
        "ResNeXt",
        "DenseNet",
        "pretrained model",
        "generic model of the visual world",
        "Feature extraction",
        "Fine-tuning",
        "Talk is cheap",
        "Linus Torvalds",
        "Thank you for attending",
        "Any questions?",
    ):
        assert words in deck, words


def test_glossary_is_marked_as_unread_by_a_native_and_warns_of_precision():
    page = unescape(re.sub("<[^>]+>", "", built("glossary")))
    assert (
        "await a native reader" in page
        and '"précision" is often said for accuracy' in page
        and "exactitude" in page
    )


def test_private_deck_shows_whole_sets_and_the_public_one_names(tmp_path, monkeypatch):
    ilsvrc(tmp_path / "imagenet")
    monkeypatch.setenv("WORKSHOP_DATA", str(tmp_path))
    named, _ = figures.draw("known_set imagenet")
    monkeypatch.setattr(figures, "LOCAL", True)
    pictures, _ = figures.draw("known_set imagenet")
    absent, _ = figures.draw("known_set cifar10")
    assert (
        "The names of 1000 classes" in named.description
        and "two pictures of each class" in pictures.description
    )
    assert "The names of 10 classes of CIFAR-10" in absent.description


def test_figure_speaks_of_its_own_data(monkeypatch):
    before = figures.few_pictures().description
    found = json.loads(json.dumps(figures.recorded.load("fewshot")))
    found["results"]["frozen"]["15"]["accuracy"] = [0.5] * 5
    monkeypatch.setattr(figures.recorded, "load", lambda name: found)
    assert (
        figures.few_pictures().description != before
        and "0.5 at 15" in figures.few_pictures().description
    )


@pytest.mark.parametrize(
    "idea, words",
    [
        ("resnet", "the input as it is) added"),
        ("googlenet", "put side by side"),
        ("senet", "multiplied"),
        ("xception", "per map"),
    ],
)
def test_block_is_drawn_from_the_module(idea, words):
    assert words in figures.draw(f"block {idea}")[0].description


def test_net_is_drawn_from_the_model():
    words = figures.draw("net resnet18")[0].description
    assert "18 layers with weights" in words and "8 skip connections" in words


def test_misspelt_figure_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'degradation'"):
        figures.draw("degradasion")


def test_letter_that_no_font_has_is_named():
    if not all((build.FONT_FOLDER / file).is_file() for file in build.FONTS.values()):
        pytest.skip("the slides' fonts are not installed")
    with pytest.raises(ValueError, match="No font has these letters: \U0001f600"):
        build.fonts("<p>a \U0001f600</p>")


# --- credits ---

TREE = ast.parse(Path(figures.__file__).read_text("utf-8"))
DRAWERS = {node.name: node for node in TREE.body if isinstance(node, ast.FunctionDef)}
CREDITS = {
    "mnist": {"LeCun", "CC BY-SA 3.0"},
    "fashion-mnist": {"Zalando", "MIT"},
    "clip-art": {"Open Clip Art Library"},
    "photographs": {row["credit"] for row in photographs.choices() if not row["reason"]},
    "photos": {row["author"].strip() for row in photos.choices()},
}


def sets_of(drawer: str) -> set[str]:
    """The bundled sets whose pictures a function of the figures loads, itself or through those that it calls there."""
    nodes = list(ast.walk(DRAWERS[drawer])) if drawer in DRAWERS else []
    named = {node.value for node in nodes if isinstance(node, ast.Constant)} & CREDITS.keys()
    taken_out = {"clip-art" for node in nodes if getattr(node, "attr", "") == "rejected"}
    called = {node.id for node in nodes if isinstance(node, ast.Name)} & DRAWERS.keys() - {drawer}
    return named.union(taken_out, *map(sets_of, called))


def uncredited(page: str, sets: set[str]) -> set[str]:
    """What a page that shows pictures of these sets fails to name: their people, and where the licences stand."""
    words = " ".join(unescape(re.sub("<[^>]+>", " ", page)).split())
    needed = set().union(*(CREDITS[name] for name in sets), {"LICENSES.md"} if sets else ())
    return {name for name in needed if name not in words}


def test_every_bundled_set_has_its_credits_above():
    assert set(CREDITS) == {card.name for card in data.catalog() if card.bundled}


@pytest.mark.parametrize("name", build.DOCUMENTS)
def test_built_page_credits_every_set_that_it_shows_pictures_of(name):
    calls = [call.split() for call in re.findall(r"figure:([^)]+)\)", build.source(name))]
    sets = {one for call in calls for one in sets_of(call[0]) | set(call[1:]) & CREDITS.keys()}
    assert not uncredited(built(name), sets)
    if name == DECK:
        assert {"photos", "clip-art", "mnist", "fashion-mnist"} <= sets
        without = built(name).replace("Zalando", "").replace("Stefan", "")
        assert uncredited(without, sets) == {"Zalando", "Stefan van der Walt"}


def test_page_to_take_home_shows_nobody_s_pictures(tmp_path):
    page = takehome.page(
        models.ready("lenet-mnist"), data.load("mnist", "test"), tmp_path / "n.html"
    )
    assert not re.search(r"data:image/(png|jpeg|webp)|<img", page.read_text("utf-8"))


def test_private_decks_are_never_committed():
    assert "slides/local/" in (HOME / ".gitignore").read_text("utf-8").splitlines()
    assert data.card("cifar10").bundled is None
