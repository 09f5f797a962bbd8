"""From a key on a panel's control to the pixels of its new picture, by the clock of Chromium: the panels of tests/test_browser.py in JupyterLab.

Needs `pip install -r tests/requirements-browser.txt`.
"""

import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from types import SimpleNamespace

from tests.benchmarks.timing import markdown, spread
from workshop_utils import paths

MOVE, COUNTED = 300, 8  # milliseconds at most; moves, after two that do not count
KEYS = {  # (panel, control) -> keys that are pressed in turn
    ("browser", "page"): ["ArrowRight"],
    ("labelling", "picture"): ["ArrowRight"],
    ("top_k", "k"): ["ArrowRight", "ArrowLeft"],
    ("threshold", "threshold"): ["ArrowLeft", "ArrowRight"],
    ("confusion", "what the net said"): ["ArrowDown", "ArrowUp"],
    ("drawing_pad", "shift right"): ["ArrowRight", "ArrowLeft"],
    ("kernel_playground", "preset"): ["ArrowDown", "ArrowUp"],
    ("feature_maps", "picture"): ["ArrowRight"],
    ("grad_cam", "picture"): ["ArrowRight"],
    ("grad_cam", "opacity"): ["ArrowRight", "ArrowLeft"],
    ("freezing", "stages that learn"): ["ArrowRight", "ArrowLeft"],
}
WATCH = """panel => {
  const picture = panel.querySelector("img");
  window.moved = new Promise((done, fail) => {
    let began;
    panel.addEventListener("keydown", () => { began = performance.now(); }, { capture: true, once: true });
    // the timer of a frame's callback runs once that frame is painted
    const painted = () => requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
    picture.addEventListener("load", painted, { once: true });
    setTimeout(() => fail(new Error("no new picture within a minute")), 60_000);
  });
}"""


def table() -> str:
    return markdown(
        f"From the key to the painted picture, {COUNTED} moves each, one control at a time; the kernel is on the same computer.",
        ["panel, control", "part of the target", "target", "milliseconds a move"],
        [
            (", ".join(moved), f"{median(times) / MOVE:.2f}", f"under {MOVE}", spread(times))
            for moved, times in milliseconds().items()
        ],
    )


def milliseconds() -> dict[tuple[str, str], list[float]]:
    sys.path.append(str(paths.HOME / "tests"))  # where pytest finds what its files share
    import test_browser as driven

    found = {}
    with tempfile.TemporaryDirectory() as home:
        folders = SimpleNamespace(mktemp=lambda name: Path(tempfile.mkdtemp(name, dir=home)))
        with (
            driven.served("jupyterlab", folders) as lab,
            driven.check.browser(*driven.CAMERA) as chromium,
        ):
            setup = driven.CLOTHES, driven.DIGITS, driven.RESNET, driven.BIG_NET, driven.ART
            page = chromium.new_page(viewport=driven.SCREEN)
            opened = driven.Opened(page, driven.PANELS, *lab, "panels", *setup)
            for (name, label), keys in KEYS.items():
                panel = opened.panel(name)
                found[name, label] = []
                for key in islice(cycle(keys), COUNTED + 2):
                    panel.evaluate(WATCH)
                    driven.control(panel, label).press(key)
                    found[name, label].append(page.evaluate("() => window.moved"))
                del found[name, label][:2]
    return found
