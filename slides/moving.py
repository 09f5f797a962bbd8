"""What moves or answers on a slide: pieces of HTML that need nothing else, and say the same on paper."""

from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from workshop_utils import data, models, takehome

LARGE = """
  :root { color-scheme: light; }
  body { font: 28px/1.3 sans-serif; max-width: none; margin: 0; padding: 0; color: #14213d; overflow: hidden; }
  body > h1, body > p:not(#answer):not(:has(#seen)) { display: none; }
  main { gap: 50px; width: 880px; flex-wrap: nowrap; }
  #answer { font-size: 32px; margin: 0 0 8px; }
  #bars { grid-template-columns: 30px 300px 110px; gap: 0 14px; flex: none; }
  #bars meter { height: 24px; }
  #pad canvas { width: 350px; height: 350px; }
  #pad > div { width: 354px !important; }
  #pad button { font-size: 24px; margin-top: 8px; }
  main::after { content: "what the net sees: 28 x 28 pixels"; position: absolute; right: 0; top: 286px; font-size: 24px; width: 210px; }
  body > p:has(#seen) { display: block; position: absolute; right: 4px; top: 60px; margin: 0; }
  #seen { width: 210px; height: 210px; }
"""
FIRST = """
<script>
{
  const pad = document.querySelector("#pad canvas"), ink = pad.getContext("2d"), ask = document.querySelector("#pad span");
  show(Uint8Array.from(%s)).then(() => {
    ink.drawImage(element("seen"), 0, 0, pad.width, pad.height);
    ask.style.display = "none";
  });
  const first = new AbortController(); // whoever draws begins on an empty pad
  for (const begin of ["pointerdown", "keydown"]) pad.addEventListener(begin, () => {
    ink.fillRect(0, 0, pad.width, pad.height);
    first.abort();
  }, { capture: true, signal: first.signal });
}
addEventListener("pointerup", () => parent.focus()); // so that the arrow keys turn the slides again
</script>
</body>"""


def pad() -> str:
    """The drawing pad of the page to take home, with LeNet inside; a digit of MNIST stands on it and has been read when it opens."""
    test = data.load("mnist", "test")
    with TemporaryDirectory() as folder:
        path = takehome.page(models.ready("lenet-mnist"), test, Path(folder, "net.html"))
        page = path.read_text("utf-8")
    digit = test.images[301].flatten().tolist()
    page = page.replace("</style>", f"{LARGE}</style>").replace("</body>", FIRST % digit)
    title = "A drawing pad, and what LeNet reads on it"
    frame = f'<iframe class="pad" title="{title}" width="1160" height="460" srcdoc="{escape(page)}"></iframe>'
    return frame


def kernel() -> str:
    """A kernel of 3 x 3 slides over 6 x 6 pixels of a digit and fills a map of 4 x 4."""
    digits = data.load("mnist")
    seven = digits.images[digits.labels == 7][0].float()
    pixels = nn.functional.adaptive_avg_pool2d(seven[:, 4:22, 4:22], 6)[0] / 25.5
    grey = pixels.round().int()
    weights = torch.tensor([[-1, -1, -1], [0, 0, 0], [1, 1, 1]])
    answer = nn.functional.conv2d(grey[None, None].float(), weights[None, None].float())[0, 0].int()
    side, parts = (
        72,
        ['<svg class="sliding" viewBox="0 0 1160 480" width="1160" height="480" role="img">'],
    )
    said = f"A kernel of 3 x 3 numbers, {weights.flatten().tolist()}, slides over 6 x 6 pixels and writes 4 x 4 answers, {answer.flatten().tolist()}."
    parts.append(f"<title>{said}</title>")
    for row in range(6):
        for column, value in enumerate(grey[row].tolist()):
            parts.append(_cell(column * side, row * side, side, f"{value}", 25.5 * value))
    for row in range(3):
        for column, value in enumerate(weights[row].tolist()):
            x, y = 530 + column * 60, 120 + row * 60
            parts.append(f'<rect x="{x}" y="{y}" width="58" height="58" fill="#fbe3cf"/>')
            parts.append(_word(x + 29, y + 38, f"{value:+d}" if value else "0"))
    for x, y, words in (
        (216, 470, "the picture"),
        (620, 96, "the kernel"),
        (620, 345, "multiply, add up"),
        (980, 470, "the answer"),
    ):
        parts.append(_word(x, y, words))
    for x, y in ((465, 210), (735, 210)):
        parts.append(f'<path d="M{x} {y - 14}h24v-12l26 26-26 26v-12h-24z" fill="#14213d"/>')
    highest = max(1, int(answer.abs().max()))
    for place, value in enumerate(answer.flatten().tolist()):
        row, column = divmod(place, 4)
        shade = 127 + 127 * value / highest
        cell = _cell(800 + column * 90, 30 + row * 90, 90, f"{value}", shade)
        parts.append(f'<g class="answer" style="animation-name:appear{place}">{cell}</g>')
    frame = '<rect class="frame" width="216" height="216" fill="none" stroke="#d55e00" stroke-width="7"/>'
    target = '<rect class="target" x="800" y="30" width="90" height="90" fill="none" stroke="#d55e00" stroke-width="7"/>'
    return "".join((*parts, frame, target, "</svg>", f"<style>{_motion(side)}</style>"))


def _cell(x: float, y: float, side: float, words: str, shade: float) -> str:
    """A square of this brightness, 0 to 255, with a number."""
    grey, ink = round(shade), "#000" if shade > 110 else "#fff"
    square = f'<rect x="{x}" y="{y}" width="{side - 2}" height="{side - 2}" fill="rgb({grey},{grey},{grey})"/>'
    return square + _word(x + side / 2, y + side / 2 + 9, words, ink)


def _word(x: float, y: float, words: str, ink: str = "#14213d") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle" font-size="27" fill="{ink}">{words}</text>'


def _motion(side: int) -> str:
    """Sixteen places, one a second; on paper, and for who wants no motion, the whole map is there."""
    frames, targets = [], []
    for place in range(16):
        row, column = divmod(place, 4)
        begin, end = 100 * place / 16, 100 * (place + 1) / 16 - 0.01
        frames.append(f"{begin}%,{end}%{{transform:translate({column * side}px,{row * side}px)}}")
        targets.append(f"{begin}%,{end}%{{transform:translate({column * 90}px,{row * 90}px)}}")
    appear = "".join(
        f"@keyframes appear{place}{{0%,{100 * place / 16}%{{opacity:0}}{100 * place / 16 + 0.01}%,100%{{opacity:1}}}}"
        for place in range(16)
    )
    return (
        f"@keyframes slide{{{''.join(frames)}}}@keyframes write{{{''.join(targets)}}}"
        f"{appear}.sliding .answer{{animation:16s infinite}}"
        ".sliding .frame{animation:slide 16s infinite}.sliding .target{animation:write 16s infinite}"
        "@media print,(prefers-reduced-motion:reduce){.sliding *{animation:none!important}}"
    )


PIECES = {"pad": pad, "kernel": kernel}
