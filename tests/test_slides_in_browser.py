"""The built slides in a real browser, as an instructor opens them: by their file, with no network."""

import re
import shutil

import pytest

sync_api = pytest.importorskip(
    "playwright.sync_api",
    reason="playwright is not installed: pip install -r tests/requirements-browser.txt",
)
from slides import build, check, routes, values  # noqa: E402

expect = sync_api.expect
expect.set_options(timeout=30_000)  # milliseconds; on a busy computer 5,000 are few
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
    bad = '<p style="color:#bbb">faint</p><svg width="100" height="50" viewBox="0 0 1000 500"><text font-size="60" y="99">drawn</text></svg><p style="white-space:nowrap;width:2000px">wide</p><p style="font-size:6px">small</p><img src="data:image/png;base64,AA" alt="lost"><img src="http://127.0.0.1:9/x.png">'
    (folder / "bad.html").write_text(page.replace(section, section + bad), "utf-8")
    found = "\n".join(check.problems(chromium, folder / "bad.html"))
    for words in (
        "'wide' leaves the slide by",
        "'small' is written in 6 pixels",
        "'drawn' is written in 6 pixels",
        "'faint' has a contrast of 1.9 to 1",
        "a picture does not show",
        "a picture has no description",
        "it asks for http://127.0.0.1:9/x.png",
    ):
        assert words in found


def opened(context, folder, route="day", slide=1):
    page = context.new_page()
    page.goto((folder / f"{DECK}.html").as_uri() + f"?route={route}#{slide}")
    return page


def place(words: str, route="day") -> int:
    """The number of the slide whose source has these words."""
    shown = [slide.markdown for slide in routes.deck() if route in slide.routes]
    return next(number for number, slide in enumerate(shown, 1) if words in slide)


@pytest.fixture
def context(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    yield context
    context.close()


def stand_still(context) -> None:
    """From here on the clock, which says 10:30, goes only as a test lets it."""
    context.clock.install(time="2026-01-05T10:29:00")
    context.clock.pause_at("2026-01-05T10:30:00")


@pytest.mark.parametrize("route", values.ROUTES)
def test_a_route_shows_its_slides_with_their_numbers_and_notes(context, folder, route):
    shown = [slide for slide in routes.deck() if route in slide.routes]
    page = opened(context, folder, route)
    expect(page.locator("svg[data-marpit-svg]")).to_have_count(len(shown))
    numbers = page.evaluate(
        "[...document.querySelectorAll('svg[data-marpit-svg] section')].map((one) => one.dataset.marpitPagination)"
    )
    assert numbers == [str(number) for number in range(1, len(shown) + 1)]
    notes = page.evaluate(
        "[...document.querySelectorAll('.bespoke-marp-note')].map((one) => [Number(one.dataset.index), one.textContent.split('\\n')[0]])"
    )
    assert dict(notes) == {at: first_line(slide.markdown) for at, slide in enumerate(shown)}
    expect(page.locator(".routes a[aria-current]")).to_have_attribute("href", f"?route={route}")


def first_line(slide: str) -> str:
    return re.findall(r"(?s)<!--(.*?)-->", values.expand(slide))[-1].strip().splitlines()[0]


def test_route_that_is_not_there_is_said(context, folder):
    page = opened(context, folder, "evening")
    expect(page.locator("body")).to_have_text(
        "No route is called 'evening'. There are: short, half, day."
    )


def test_links_of_the_plan_lead_to_the_parts(context, folder):
    page = opened(context, folder, slide="part-3")  # the address alone leads there too
    for anchor in ("part-3", "part-1", "part-2"):
        page.locator(f"a[href='#{anchor}']").evaluate("link => link.click()")
        expect(page.locator(f".bespoke-marp-active #{anchor}")).to_have_count(1)


@pytest.mark.parametrize(
    "route, name", [("day", DECK), ("half", f"{DECK}_half"), ("short", f"{DECK}_short")]
)
def test_pdf_of_a_route_has_question_and_answer_on_two_pages(folder, route, name):
    shown = [values.expand(slide.markdown) for slide in routes.deck() if route in slide.routes]
    pages = len(re.findall(rb"/Type /Page\b", (folder / f"{name}.pdf").read_bytes()))
    assert pages == len(shown) + sum(slide.count("data-marpit-fragment") for slide in shown)


def test_deck_asks_for_nothing_and_says_nothing_from_its_first_page_to_its_last(context, folder):
    """Each page and each answer, by the keys of a speaker, with the network off."""
    context.set_offline(True)
    page, heard = context.new_page(), []
    page.on("request", lambda request: heard.append(request.url))
    page.on("console", lambda message: heard.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.goto((folder / f"{DECK}.html").as_uri())
    shown = [values.expand(slide.markdown) for slide in routes.deck() if "day" in slide.routes]
    steps = len(shown) - 1 + sum(slide.count("data-marpit-fragment") for slide in shown)
    for _ in range(steps):
        page.keyboard.press("ArrowRight")
    last = page.locator("svg.bespoke-marp-active section")
    expect(last).to_have_attribute("id", str(len(shown)))
    assert [one for one in heard if not one.startswith(("file:", "data:", "about:srcdoc"))] == []


def test_answer_waits_for_a_press(context, folder):
    page = opened(context, folder, slide=place("{{question 1.1}}"))
    answer = page.locator(".bespoke-marp-active .answer")
    expect(answer).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(answer).to_be_visible()


def test_presenter_view_has_notes_and_clock_and_moves_the_other_window(context, folder):
    page = opened(context, folder)
    with page.expect_popup() as popup:
        page.keyboard.press("p")
    presenter = popup.value
    expect(presenter.get_by_text("Welcome.")).to_be_visible()
    expect(presenter.locator(".bespoke-marp-presenter-info-time")).to_contain_text(
        re.compile(r"\d+:\d\d")
    )
    presenter.bring_to_front()
    presenter.keyboard.press("ArrowRight")
    expect(page.locator("svg.bespoke-marp-active section")).to_have_attribute("id", "2")


def test_screen_turns_black_in_the_room_and_not_for_the_presenter(context, folder):
    page = opened(context, folder)
    with page.expect_popup() as popup:
        page.keyboard.press("p")
    presenter = popup.value
    expect(presenter.locator(".black")).to_have_count(1)  # its scripts have run
    expect(page.locator(".black")).to_be_hidden()
    for key in ("b", "."):
        presenter.keyboard.press(key)
        expect(page.locator(".black")).to_have_css("background-color", "rgb(0, 0, 0)")
        expect(page.locator(".black")).to_be_visible()
        assert "solid" in presenter.locator(".black").evaluate(
            "one => getComputedStyle(one).border"
        )
        page.keyboard.press(key)
        expect(page.locator(".black")).to_be_hidden()


def test_timer_runs_stops_and_goes_back_by_keys_in_both_windows_and_after_f5(context, folder):
    stand_still(context)
    slide = place("{{section 1.3")
    first, second = (opened(context, folder, slide=slide) for _ in range(2))
    context.clock.run_for(500)  # the deck goes to its slide
    timers = [page.locator(".bespoke-marp-active .tasks .timer") for page in (first, second)]
    expect(timers[0]).to_have_text("2:00")
    first.keyboard.press("1")
    context.clock.run_for(2000)
    for timer in timers:
        expect(timer).to_have_text("1:58")
    first.reload()
    context.clock.run_for(100)
    expect(timers[0]).to_have_text("1:58")
    first.keyboard.press("1")
    context.clock.run_for(5000)
    expect(timers[0]).to_have_text("1:58")
    first.keyboard.press("r")
    for timer in timers:
        expect(timer).to_have_text("2:00")
    expect(first.locator(".bespoke-marp-active > foreignObject .timer").first).to_have_text("8:00")


def test_timer_that_is_over_flashes_and_counts_over(context, folder):
    stand_still(context)
    page = opened(context, folder, slide=place("{{section 1.3"))
    context.clock.run_for(500)
    timer = page.locator(".bespoke-marp-active .tasks .timer")
    page.keyboard.press("1")
    context.clock.run_for(125_000)
    expect(timer).to_have_text("+0:05")
    expect(timer).to_have_css("animation-name", "flash")


def test_break_keeps_the_minute_of_return(context, folder):
    stand_still(context)
    page = opened(context, folder, slide=place("{{break 15: 1.5}}"))
    context.clock.run_for(1000)
    back = page.locator(".bespoke-marp-active .back")
    expect(back).to_have_text("Back at 10:45")
    page.keyboard.press("t")
    context.clock.fast_forward(600_000)
    expect(back).to_have_text("Back at 10:45")
