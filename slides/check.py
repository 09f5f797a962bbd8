"""What is wrong with built slides, as a real browser shows them."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SMALLEST = {"1280": 24, "794": 11}  # pixels of the smallest letters: on a slide, on a page of paper

FAULTS = """
({ smallest }) => [...document.querySelectorAll("svg[data-marpit-svg]")].flatMap((slide, place) => {
  const section = slide.querySelector("section"), found = [];
  const shown = (element) => (element.textContent || element.tagName).trim().slice(0, 40);
  const scale = section.getBoundingClientRect().width / section.offsetWidth;
  const frame = section.getBoundingClientRect();
  for (const element of section.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    if (!box.width || element.closest("mjx-assistive-mml")) continue;
    const over = Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top, box.bottom - frame.bottom) / scale;
    if (over > 1) found.push(`'${shown(element)}' leaves the slide by ${Math.round(over)} pixels`);
    if (element.tagName === "IMG" && (!element.complete || !element.naturalWidth)) found.push("a picture does not show");
    if (element.tagName === "IMG" && !element.alt) found.push("a picture has no description");
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (own && size < smallest[section.offsetWidth]) found.push(`'${shown(element)}' is written in ${size} pixels`);
  }
  const parts = [...section.children].filter((part) => part.tagName !== "FOOTER" && getComputedStyle(part).position !== "absolute");
  for (const fixed of section.querySelectorAll("footer, .timer")) {
    const box = fixed.getBoundingClientRect();
    if (getComputedStyle(fixed).position !== "absolute") continue;
    for (const part of parts) {
      const inside = document.createRange();
      inside.selectNodeContents(part);
      const boxes = part.tagName === "IMG" ? [part.getBoundingClientRect()] : [...inside.getClientRects()];
      if (boxes.some((one) => one.width && one.left < box.right && one.right > box.left && one.top < box.bottom && one.bottom > box.top + 2 * scale))
        found.push(`'${shown(fixed)}' covers '${shown(part)}'`);
    }
  }
  return [...new Set(found)].map((fault) => `slide ${place + 1}: ${fault}`);
})
"""


def small_letters(figure, width: float) -> list[str]:
    """The words of a figure that are too small to read where it is shown `width` pixels wide."""
    from matplotlib.text import Text

    scale = width / figure.get_figwidth() / 72
    words = [
        text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()
    ]
    return [
        f"'{text.get_text()}' is drawn in {text.get_fontsize() * scale:.0f} pixels"
        for text in words
        if round(text.get_fontsize() * scale) < SMALLEST["1280"]
    ]


def chromium_path() -> str | None:
    """The program named by CHROMIUM, else one on the path."""
    return next(
        filter(
            None,
            [
                os.environ.get("CHROMIUM"),
                *map(shutil.which, ("chromium", "chromium-browser", "google-chrome")),
            ],
        ),
        None,
    )


@contextmanager
def browser(*options: str):
    """A headless Chromium, started with these options too."""
    from playwright.sync_api import sync_playwright

    path = chromium_path()
    if not path:
        raise SystemExit(
            "No Chromium was found. Install it, or name one in the environment variable CHROMIUM."
        )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=[*OPTIONS, *options])
        try:
            yield started
        finally:
            started.close()


def problems(chromium, html: Path) -> list[str]:
    """Whatever leaves its slide, covers a footer, is too small to read, does not show or has no description, and every address that is asked for."""
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(html.as_uri())
    page.add_style_tag(
        content=".bespoke-marp-parent > svg { visibility: visible !important; content-visibility: visible !important }"
    )
    page.evaluate("document.fonts.ready")
    found = page.evaluate(FAULTS, {"smallest": SMALLEST})
    page.close()
    return found + [
        f"it asks for {address}" for address in asked if not address.startswith(("file:", "data:"))
    ]


def print_pdf(chromium, html: Path, pdf: Path) -> None:
    page = chromium.new_page()
    page.goto(html.as_uri())
    page.evaluate("document.fonts.ready")
    page.pdf(path=pdf, prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
    page.close()
