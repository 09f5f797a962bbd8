"""The slides: built from the sources that are here, with the chapters' numbers, minutes and exercises, and nothing from outside."""

import ast
import json
import re
from html import unescape

import pytest
from test_imagenet import ilsvrc

from bundle import photographs, photos
from slides import build, charts, check, figures, routes, sets, values
from workshop_utils import data, models, takehome
from workshop_utils.exercises import kit
from workshop_utils.figure import Figure
from workshop_utils.paths import HOME

DECK = "image_classification"
SECTIONS = {
    (chapter, number): words
    for chapter in "123"
    for number, words in values.sections(chapter).items()
}
EXERCISES = [one for chapter in "123" for one in values.exercises(chapter)]
QUESTIONS = [one.number for one in EXERCISES if one.options]
COMMENT = re.compile(r"(?s)<!--(.*?)-->")


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
        if not words.strip().startswith(("_class", "_footer", "route:"))
    ]
    return notes[0].splitlines()[0] if notes else ""


def guide() -> str:
    return values.GUIDE.read_text("utf-8")


def day(route: str = "day") -> list[routes.Row]:
    return routes.agenda(route, guide())


def test_built_files_are_those_of_these_sources():
    stamp = json.loads(build.STAMP.read_text("utf-8"))
    assert stamp == build.sums(), "run python slides/build.py"


def test_every_number_of_a_slide_is_the_chapters():
    """The placeholders are read again from the chapters' outputs and the cards, and looked for on the built slide."""
    found = 0
    for slide, words in zip(routes.deck(), shown(), strict=True):
        for kind, name, what in values.PLACEHOLDER.findall(COMMENT.sub("", slide.markdown)):
            if kind in ("chapter", "model", "data"):
                assert re.search(
                    rf"(?<![\d.,]){re.escape(values.value(kind, name, what))}(?!\d)", words
                ), words
                found += 1
    assert found >= 30


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
        re.split(r"[:,;]", address)[0]
        for address in addresses
        if not address.startswith(("#", "?route="))
    } <= {"data"}
    assert (build.BUILT / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_every_slide_has_notes_with_minutes_or_its_place_in_a_notebook():
    for slide in routes.deck():
        line = note(values.expand(slide.markdown))
        assert re.match(
            r"(\d+(\.5)?) min\.$|Notebook \d, section \d, \d+ min( \(.+\))?\.$|(Exercise|Question) [\d.]+, \d+ min, inside its section\.$|(Break|Lunch), \d+ min\.$",
            line,
        ), slide


def test_longer_routes_show_what_shorter_ones_show():
    deck = [slide for slide in routes.deck() if "{{break" not in slide.markdown]
    assert {slide.routes for slide in deck} == {("day",), ("half", "day"), ("short", "half", "day")}
    assert sum("short" in slide.routes for slide in deck) > 10


def test_slide_without_a_route_is_refused():
    with pytest.raises(ValueError, match="names no route: '# A title'.*route: short"):
        routes._slide("part 1", "# A title")


def test_deck_goes_through_all_sections_and_questions_in_order():
    deck = "\n".join(slide.markdown for slide in routes.deck())
    assert re.findall(r"\{\{section (\d\.\d)(?:: .+)?\}\}", deck) == [
        f"{chapter}.{number}" for chapter, number in SECTIONS
    ]
    assert re.findall(r"\{\{question ([\d.]+)\}\}", deck) == QUESTIONS
    for slide in routes.deck():
        if found := re.search(r"\{\{section (\d)\.(\d)(?:: .+)?\}\}", slide.markdown):
            minutes = SECTIONS[found[1], int(found[2])][1]
            line = f"Notebook {found[1]}, section {found[2]}, {minutes} min"
            assert re.search(rf"(?m)^{line}( \(.+\))?\.$", values.expand(slide.markdown))


def test_every_exercise_has_a_timer_and_its_code_a_slide():
    deck = [slide.markdown for slide in routes.deck()]
    pages = re.findall(r"\{\{exercise ([\d.]+)\}\}", "\n".join(deck))
    typed = [one for one in EXERCISES if not one.options]
    assert pages == [
        one.number
        for one in typed
        if "def " in (stub := values.stub(one.number)) and stub.count("\n") > 1
    ]
    expanded = values.expand("\n".join(deck))
    for one in typed:
        timer = rf'<b>{one.number}</b> [^<]*<div class="timer" data-minutes="(\d+)">'
        assert re.findall(timer, expanded) == [str(values.task(one.number)[0])]


def test_section_is_a_slide_or_a_band_below_the_question_to_guess_at():
    title, minutes = SECTIONS["1", 3]
    page, band = (values.expand(f"{{{{section 1.3{words}}}}}") for words in ("", ": **How** many?"))
    assert page.startswith(f"# {title}\n") and "band" not in page
    assert band.startswith('<div class="band">') and "\n\n**How** many?\n\n" in band
    assert f"Notebook 1, section 3: {title}</p>" in band and "# " not in band
    clock = f'<div class="timer" data-minutes="{minutes}" data-half="3" data-short="0">'
    assert clock in page and clock in band  # as the guide has them


def test_note_and_exercises_of_a_section_follow_the_guide_on_every_route():
    assert values.minutes("1.4") == "15 min (half a day 11, 90 minutes 6)"
    assert values.minutes("2.4") == "8 min"
    assert values.routes_of("1.5") == "day half"
    assert values.routes_of("1.3") == "day"  # the guide's half day runs the section without it


def test_stub_is_the_cell_that_attendees_find():
    assert values.stub("1.3").startswith("def split(images, labels):")
    assert "exercises.check" not in values.stub("1.3")
    assert len(values.stub("2.7").splitlines()) <= 10 and "# mend this line" in values.stub("2.7")
    lines = [line for one in EXERCISES for line in values.stub(one.number).splitlines()]
    assert max(map(len, lines)) <= values.COLUMNS


@pytest.mark.parametrize("number", QUESTIONS)
def test_answer_appears_one_press_after_its_question(number):
    slide, why = values.question_slide(number), kit.find(number).why
    asked, answered = slide.split('<div class="answer" data-marpit-fragment="1">')
    assert why not in asked and f"<b>{kit.find(number).right}</b> {why}" in answered
    assert all(
        f"To those who chose {letter}: " in answered
        for letter in set("ABCD") - {kit.find(number).right}
    )


def test_break_says_where_the_room_is():
    slide = values.break_slide("15", "2.6")
    assert "Back in 15 minutes" in slide and 'data-minutes="15"' in slide and "Red note" in slide
    whole = len(values.sections("1"))
    assert f"{whole} of {whole} sections done" in slide
    assert f"6 of {len(values.sections('2'))} sections done" in slide
    assert f"0 of {len(values.sections('3'))} sections done" in slide


@pytest.mark.parametrize("route, minutes", [("day", 455), ("half", 240), ("short", 90)])
def test_agenda_is_that_of_the_deck_and_adds_up(route, minutes):
    _, whole, table = values.agenda(route, guide())
    assert whole == minutes and routes.written(route, guide()) in table, (
        "run python -m slides.routes"
    )
    assert sum(row.talk + row.work for row in day(route)) == minutes


def test_day_leaves_time_to_breathe():
    rows, blocks = day(), [0.0]
    assert sum(row.talk for row in rows) <= 50
    assert sum(row.work for row in rows if row.what == "Buffer") >= 30
    for row in rows:
        if row.what in ("Break", "Lunch"):
            blocks.append(0.0)
        else:
            blocks[-1] += row.talk + row.work
    assert len(blocks) == 5 and max(blocks) <= 90 and max(blocks[2:]) < 85


def test_agenda_counts_each_slide_where_it_stands(monkeypatch):
    def deck(*slides):
        return [
            routes._slide(part, f"<!-- route: {route} -->\n{words}")
            for part, route, words in slides
        ]

    talk = "# Words\n<!--\n2 min.\n-->"
    deck = deck(
        ("opening", "half", talk),
        ("part 1", "day", talk),
        ("part 1", "half", "{{section 1.1}}"),
        ("part 1", "half", talk),
        ("part 1", "half only", "{{break 15: 1.1}}"),
        ("close", "half", talk),
    )
    monkeypatch.setattr(routes, "deck", lambda: deck)
    table = (
        "| at | talk | work | slides | what | how |\n| --- | --- | --- | --- | --- | --- |\n"
        + "".join(
            f"| 9:00 | 0 | {work} |  | {what} | x |\n"
            for what, work in (
                ("Slides: opening", 0),
                ("Chapter 1, section 1: a", 5),
                ("Break", 15),
                ("Buffer", 0),
                ("Slides: close", 0),
            )
        )
    )
    rows = routes.written("half", f"## Half a day (30 minutes)\n{table}\n## Next").splitlines()
    assert [row.split(" | ")[:4] for row in rows] == [
        ["| 9:00", "2", "0", "1"],
        ["| 9:02", "2", "5", "2-3"],
        ["| 9:09", "0", "15", "4"],
        ["| 9:24", "0", "4", ""],
        ["| 9:28", "2", "0", "5"],
    ]
    with pytest.raises(ValueError, match="has 20 minutes and lacks 6"):
        routes.written("half", f"## Half a day (20 minutes)\n{table}\n## Next")
    with pytest.raises(ValueError, match="has no row 'Chapter 1, section 1'"):
        routes.written(
            "half",
            f"## Half a day (30 minutes)\n{table.replace('Chapter 1', 'Chapter 2')}\n## Next",
        )


@pytest.mark.parametrize("route", ["day", "half"])
def test_agenda_names_every_section(route):
    named = [(row.work, row.what) for row in day(route) if row.what.startswith("Chapter")]
    assert [what for _, what in named] == [
        f"Chapter {chapter}, section {number}: {title}"
        for (chapter, number), (title, _) in SECTIONS.items()
    ]
    assert all(
        minutes == whole if route == "day" else minutes <= whole
        for (minutes, _), (_, whole) in zip(named, SECTIONS.values(), strict=True)
    )


def test_cells_of_the_short_route_are_in_their_sections():
    for row in day("short"):
        if found := re.match(r"Chapter (\d), section (\d): `([\w.]+)`", row.what):
            text = "\n".join("".join(cell["source"]) for cell in values.notebook(found[1])["cells"])
            section = re.search(rf"(?s)\n## {found[2]}\. (.+?)(?=\n## \d\. |\Z)", text)[1]
            assert f"{found[3]}(" in section, row.what


def test_helpers_sheet_lists_every_exercise_with_its_minutes():
    sheet = values.HELPERS.read_text("utf-8")
    rows = re.findall(r"(?m)^\| (\d\.\d+) \| (\d+) \| (.+?) \| (.+?) \|$", sheet)
    records = [one for chapter in kit.CHAPTERS for one in kit.exercises(chapter)]
    assert [(number, int(minutes)) for number, minutes, *_ in rows] == [
        (one.number, one.minutes) for one in records
    ]


def test_deck_has_everything_that_the_workshop_named():
    drawn = re.findall(r'alt="([^"]*)"', built(DECK))  # words stand in drawings too
    deck = " ".join([*shown(), *map(unescape, drawn)])
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


def test_private_deck_shows_whole_sets_and_the_public_one_what_stands_in(tmp_path, monkeypatch):
    ilsvrc(tmp_path / "imagenet")
    monkeypatch.setenv("WORKSHOP_DATA", str(tmp_path))
    public, _ = figures.draw("wall imagenet")
    monkeypatch.setattr(sets, "LOCAL", True)
    private, _ = figures.draw("wall imagenet")
    hands, _ = figures.draw("wall sign-mnist")
    assert "not ImageNet's own" in public.description
    assert "Pictures of the set itself" in private.description
    assert "stand in for the set" in hands.description


def test_figure_speaks_of_its_own_data(monkeypatch):
    before = charts.few_pictures().description
    found = json.loads(json.dumps(charts.recorded.load("fewshot")))
    found["results"]["frozen"]["15"]["accuracy"] = [0.5] * 5
    monkeypatch.setattr(charts.recorded, "load", lambda name: found)
    assert (
        charts.few_pictures().description != before
        and "0.5 at 15" in charts.few_pictures().description
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


def test_words_of_a_figure_that_cannot_be_read_are_named():
    figure = Figure("A figure", (10, 5))
    figure.text(0.1, 0.1, "small", fontsize=8, color="black")
    figure.text(0.1, 0.5, "faint", fontsize=30, color="#cccccc")
    figure.text(0.6, 0.5, "dark on white", fontsize=30, color="#14213d")
    assert check.unreadable(figure, 1000) == [
        "'small' is drawn in 11 pixels",
        "'faint' has a contrast of 1.6 to 1",
    ]


def test_contrast_is_that_of_wcag():
    assert check.contrast("black", "white") == pytest.approx(21)
    assert check.contrast("#777777", "white") == pytest.approx(4.48, abs=0.01)


def test_misspelt_figure_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'degradation'"):
        figures.draw("degradasion")


def test_letter_that_no_font_has_is_named():
    if not all((build.FONT_FOLDER / file).is_file() for file in build.FONTS.values()):
        pytest.skip("the slides' fonts are not installed")
    with pytest.raises(ValueError, match="No font has these letters: \U0001f600"):
        build.fonts("<p>a \U0001f600</p>")


# --- credits ---

DRAWERS = {
    node.name: node
    for file in sorted(build.HERE.glob("*.py"))
    for node in ast.parse(file.read_text("utf-8")).body
    if isinstance(node, ast.FunctionDef)
}
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
