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
PATIENCE = 300_000  # ms: a deck is large, and the computer may be busy
FAINTEST = 4.5  # contrast of letters to what is behind them, as WCAG 2.2 counts it (1.4.3)

FAULTS = r"""
({ smallest, faintest }) => {
const colour = (words) => { const [r, g, b, a = 1] = words.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0]; return { r, g, b, a }; };
const light = ({ r, g, b }) => [r, g, b].reduce((sum, part, place) => {
  const value = part / 255;
  return sum + [0.2126, 0.7152, 0.0722][place] * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
}, 0);
const contrast = (one, other) => { const [low, high] = [light(one), light(other)].sort((a, b) => a - b); return (high + 0.05) / (low + 0.05); };
const ground = (element) => {
  const box = element.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2;
  const svg = element.ownerSVGElement;
  if (svg && element.closest("text")) { // the last shape drawn before it that holds its middle
    const below = [...svg.querySelectorAll("rect, circle, ellipse, polygon, path")].filter((shape) => {
      const area = shape.getBoundingClientRect();
      return shape.compareDocumentPosition(element) & 4 && colour(getComputedStyle(shape).fill).a > 0 && area.left <= x && x <= area.right && area.top <= y && y <= area.bottom;
    });
    if (below.length) return colour(getComputedStyle(below.at(-1)).fill);
  }
  for (let behind = element; behind; behind = behind.parentElement) {
    const found = colour(getComputedStyle(behind).backgroundColor);
    if (found.a > 0) return found;
  }
  return colour("rgb(255, 255, 255)");
};
return [...document.querySelectorAll("svg[data-marpit-svg]")].flatMap((slide, place) => {
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
    if (!own || element.matches("script, style, title, desc")) continue;
    const drawn = element.ownerSVGElement && element.closest("text");
    const size = parseFloat(getComputedStyle(element).fontSize) * (drawn ? element.getScreenCTM().a / scale : 1);
    if (size < smallest[section.offsetWidth] - 0.05) found.push(`'${shown(element)}' is written in ${Math.round(size)} pixels`);
    const seen = contrast(colour(getComputedStyle(element)[drawn ? "fill" : "color"]), ground(element));
    if (seen < faintest) found.push(`'${shown(element)}' has a contrast of ${seen.toFixed(1)} to 1`);
  }
  const parts = [...section.children].filter((part) => part.tagName !== "FOOTER" && getComputedStyle(part).position !== "absolute");
  for (const fixed of section.querySelectorAll("footer, .timer, .band")) {
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
}); }
"""


def unreadable(figure, width: float) -> list[str]:
    """The words of a figure that are too small or too faint to read where it is shown `width` pixels wide."""
    scale, found = width / figure.get_figwidth() / 72, []
    words = _words(figure)
    for text, behind in zip(words, _grounds(figure, words), strict=True):
        size = text.get_fontsize() * scale
        if round(size) < SMALLEST["1280"]:
            found.append(f"'{text.get_text()}' is drawn in {size:.0f} pixels")
        if (seen := contrast(text.get_color(), behind)) < FAINTEST:
            found.append(f"'{text.get_text()}' has a contrast of {seen:.1f} to 1")
    return found


def _words(figure) -> list:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    FigureCanvasAgg(figure).draw()  # ticks get their words now
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def _grounds(figure, words: list) -> list:
    """The colour behind each word: the median of the pixels there, without the words."""
    import numpy as np

    boxes = [text.get_window_extent() for text in words]
    for text in words:
        text.set_alpha(0)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[::-1, :, :3] / 255
    for text in words:
        text.set_alpha(None)
    places = [
        tuple(
            slice(max(0, int(low)), max(0, int(low)) + max(1, round(high - low)))
            for low, high in ((box.y0, box.y1), (box.x0, box.x1))
        )
        for box in boxes
    ]
    return [
        np.median(pixels[place].reshape(-1, 3), 0) if pixels[place].size else (1, 1, 1)
        for place in places
    ]


def contrast(one, other) -> float:
    """Of two colours, from 1 to 21, as WCAG 2.2 defines it."""
    from matplotlib.colors import to_rgb

    def light(colour) -> float:
        parts = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in to_rgb(colour)
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


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
    page.goto(html.as_uri(), timeout=PATIENCE)
    page.add_style_tag(
        content=".bespoke-marp-parent > svg { visibility: visible !important; content-visibility: visible !important }"
    )
    page.evaluate("document.fonts.ready")
    found = page.evaluate(FAULTS, {"smallest": SMALLEST, "faintest": FAINTEST})
    page.close()
    return found + [
        f"it asks for {address}" for address in asked if not address.startswith(("file:", "data:"))
    ]
