"""Prints built pages in Chromium: a PDF of each route of the deck, one with notes, and the sheets."""

from pathlib import Path

from slides import check

STEPS = """
() => {
  for (const link of document.querySelectorAll(".routes")) link.remove(); // on paper there is nothing to choose
  for (const slide of document.querySelectorAll("svg[data-marpit-svg]")) {
    const shown = (copy, steps) => [...copy.querySelectorAll("[data-marpit-fragment]")].forEach((part, place) => {
      part.dataset.bespokeMarpFragment = place < steps ? "active" : "inactive";
      part.style.visibility = place < steps ? "visible" : "hidden";
    });
    const steps = slide.querySelectorAll("[data-marpit-fragment]").length;
    for (let step = 0; step < steps; step++) {
      const copy = slide.cloneNode(true);
      shown(copy, step);
      slide.before(copy);
    }
    shown(slide, steps);
  }
}
"""

NOTES = """
async () => {
  for (const sheet of document.styleSheets) // the page's own size goes, for this is A4
    for (let place = sheet.cssRules.length; place--; ) if (sheet.cssRules[place] instanceof CSSPageRule) sheet.deleteRule(place);
  for (const picture of document.querySelectorAll("section img")) {
    await picture.decode();
    if (picture.naturalWidth < 900) continue;
    const small = document.createElement("canvas");
    small.width = 700; small.height = Math.round(700 * picture.naturalHeight / picture.naturalWidth);
    const pen = small.getContext("2d");
    pen.fillStyle = "white"; pen.fillRect(0, 0, small.width, small.height);
    pen.drawImage(picture, 0, 0, small.width, small.height);
    picture.src = small.toDataURL("image/jpeg", 0.7);
    await picture.decode();
  }
  const slides = [...document.querySelectorAll("svg[data-marpit-svg]")];
  const notes = [...document.querySelectorAll(".bespoke-marp-note")];
  document.body.replaceChildren(...slides.map((slide, place) => {
    const row = document.createElement("article"), frame = document.createElement("div"), said = document.createElement("div");
    frame.id = ":$p"; // the theme's rules hang on it
    frame.append(slide);
    said.innerHTML = notes.find((note) => Number(note.dataset.index) === place)?.innerHTML ?? "";
    said.className = "said";
    row.append(frame, said);
    return row;
  }));
  const style = document.head.appendChild(document.createElement("style"));
  style.textContent = `
    html, body { all: revert !important; background: #fff !important; margin: 0 !important; height: auto !important; overflow: visible !important; }
    article { display: grid; grid-template-columns: 84mm 1fr; gap: 6mm; break-inside: avoid; padding: 3mm 0; border-bottom: 1px solid #c6d0da; }
    article > div > svg[data-marpit-svg] { display: block !important; position: static !important; width: 84mm !important; height: 47.25mm !important; visibility: visible !important; content-visibility: visible !important; outline: 1px solid #c6d0da; }
    article section { break-before: auto !important; page-break-before: auto !important; }
    .said { font: 9.5pt/1.35 Course, "Course Arabic", sans-serif; color: #14213d; } .said p { margin: 0 0 2mm; white-space: pre-line; }`;
}
"""


def print_pdf(chromium, html: Path, pdf: Path, route: str | None = None) -> None:
    """The document, or the slides of one route of the deck: what comes one press later is one page later."""
    page = _opened(chromium, html, route)
    page.evaluate(STEPS)
    _read(page)
    page.pdf(path=pdf, prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
    page.close()


def print_notes(chromium, html: Path, pdf: Path) -> None:
    """Every slide of the day, small, with what to say beside it."""
    page = _opened(chromium, html, None)
    page.evaluate(NOTES)
    _read(page)
    margin = dict.fromkeys(("top", "bottom", "left", "right"), "12mm")
    page.pdf(path=pdf, format="A4", margin=margin, print_background=True, tagged=True)
    page.close()


def _read(page) -> None:
    """Waits until the net in each pad has answered: a pad that was moved in its page begins anew."""
    for pad in page.locator("iframe.pad").all():
        pad.content_frame.get_by_text("The net says").wait_for(state="attached")


def _opened(chromium, html: Path, route: str | None):
    page = chromium.new_page()
    page.set_default_timeout(check.PATIENCE)
    page.goto(html.as_uri() + (f"?route={route}" if route else ""))
    page.evaluate("document.fonts.ready")
    return page
