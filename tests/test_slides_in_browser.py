"""The built slides in a real browser, as an instructor opens them: by their file, with no network."""

import re
import shutil

import pytest

sync_api = pytest.importorskip(
    "playwright.sync_api",
    reason="playwright is not installed: pip install -r tests/requirements-browser.txt",
)
from slides import build, check  # noqa: E402

expect = sync_api.expect
DECK = "image_classification"
pytestmark = pytest.mark.skipif(
    not check.chromium_path(),
    reason="no Chromium was found: name one in the environment variable CHROMIUM",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An empty folder with copies of the built files, as on a stick."""
    return shutil.copytree(build.BUILT, tmp_path_factory.mktemp("stick") / "slides")


@pytest.fixture(scope="module")
def chromium():
    with check.browser() as started:
        yield started


@pytest.mark.parametrize("name", build.DOCUMENTS)
def test_no_slide_overflows_and_nothing_is_asked_for(chromium, folder, name):
    assert check.problems(chromium, folder / f"{name}.html") == []


def test_what_is_wrong_is_found(chromium, folder):
    """A check that cannot fail proves nothing: wide words, small letters, a lost picture and a remote one."""
    page = (folder / "metrics.html").read_text("utf-8")
    section = re.search(r"<section id=\"1\"[^>]*>", page)[0]
    bad = '<p style="white-space:nowrap;width:2000px">wide</p><p style="font-size:6px">small</p><img src="data:image/png;base64,AA" alt="lost"><img src="http://127.0.0.1:9/x.png">'
    (folder / "bad.html").write_text(page.replace(section, section + bad), "utf-8")
    found = "\n".join(check.problems(chromium, folder / "bad.html"))
    for words in (
        "'wide' leaves the slide by",
        "'small' is written in 6 pixels",
        "a picture does not show",
        "a picture has no description",
        "it asks for http://127.0.0.1:9/x.png",
    ):
        assert words in found


def test_as_many_pages_as_slides(chromium, folder):
    page = chromium.new_page()
    page.goto((folder / f"{DECK}.html").as_uri())
    slides = build.source(DECK).split("\n---\n")[1:]  # the first rule ends the settings
    expect(page.locator("svg[data-marpit-svg]")).to_have_count(len(slides))
    for anchor in ("part-1", "part-2", "part-3"):
        page.goto((folder / f"{DECK}.html").as_uri() + f"#{anchor}")
        expect(page.locator(f".bespoke-marp-active #{anchor}")).to_have_count(1)
    page.close()


def test_presenter_view_has_notes_and_clock_and_moves_the_other_window(chromium, folder):
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.goto((folder / f"{DECK}.html").as_uri())
    with page.expect_popup() as opened:
        page.keyboard.press("p")
    presenter = opened.value
    expect(presenter.get_by_text("Welcome. All pictures that you see today")).to_be_visible()
    expect(presenter.locator(".bespoke-marp-presenter-info-time")).to_contain_text(
        re.compile(r"\d+:\d\d")
    )
    presenter.bring_to_front()
    presenter.keyboard.press("ArrowRight")
    expect(page.locator("svg.bespoke-marp-active section")).to_have_attribute("id", "2")
    context.close()


def test_timer_runs_stops_and_goes_back_by_keys_and_in_both_windows(chromium, folder):
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    first, second = context.new_page(), context.new_page()
    place = next(
        number
        for number, slide in enumerate(build.source(DECK).split("\n---\n")[1:], 1)
        if "{{exercise 1.2}}" in slide
    )
    for page in (first, second):
        page.goto((folder / f"{DECK}.html").as_uri() + f"#{place}")
    timers = [page.locator(".bespoke-marp-active .timer") for page in (first, second)]
    expect(timers[0]).to_have_text("2:00")
    first.keyboard.press("t")
    for timer in timers:
        expect(timer).to_have_text("1:58")
    first.keyboard.press("t")
    left = timers[0].text_content()
    first.wait_for_timeout(1500)
    assert timers[0].text_content() == left
    first.keyboard.press("r")
    for timer in timers:
        expect(timer).to_have_text("2:00")
    context.close()
