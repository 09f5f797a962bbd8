"""Every interactive panel in real JupyterLab, and one in Notebook 7: moved by mouse and keyboard in headless Chromium, and read by what it says.

Needs `pip install -r tests/requirements-browser.txt` and a Chromium or Chrome, found on the path or named by CHROMIUM;
without either the file is skipped. One notebook shows all panels, one cell each. A picture of each panel as its test
left it is kept in the folder SCREENSHOTS, where one is named.
"""

import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlparse
from urllib.request import urlopen

import nbformat
import numpy as np
import pytest
from helpers import REPOSITORY, file_bytes, photo
from PIL import Image

from slides import check
from workshop_utils import widgets
from workshop_utils.widgets.confusion_matrix import MATRIX
from workshop_utils.widgets.kernels import KernelPanel

sync_api = pytest.importorskip(
    "playwright.sync_api",
    reason="playwright is not installed: pip install -r tests/requirements-browser.txt",
)
expect = sync_api.expect
expect.set_options(timeout=30_000)  # milliseconds, here and below
pytestmark = pytest.mark.skipif(
    not check.chromium_path(),
    reason="no Chromium was found: name one in the environment variable CHROMIUM",
)
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
NO_CAMERA = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('refused', 'NotAllowedError'))"
SCREEN = {"width": 1366, "height": 768}  # pixels of a small laptop's screen
HIGHEST, SHORTEST = 600, 60  # what is seen of a notebook there, and a slider that can be dragged
SCROLLED = """outputs => outputs.flatMap(output => [...output.querySelectorAll("*")]).filter(part => {
  const { overflowX, overflowY } = getComputedStyle(part), bars = /auto|scroll/;
  return part.clientWidth && (bars.test(overflowX) && part.scrollWidth > part.clientWidth || bars.test(overflowY) && part.scrollHeight > part.clientHeight);
}).map(part => part.className)"""
RING = "() => [getComputedStyle(document.activeElement).outlineStyle, getComputedStyle(document.activeElement).outlineWidth]"
AZERTY = {  # how real keys arrive: (key, code, modifiers: 8 is shift) -> the digit meant
    ("&", "Digit1", 0): 1,
    ("é", "Digit2", 0): 2,
    ("à", "Digit0", 0): 0,
    ("7", "Digit7", 8): 7,
    ("3", "Numpad3", 0): 3,
    ("٤", "Digit4", 0): 4,  # Arabic, on the row of digits and on the pad
    ("٩", "Numpad9", 0): 9,
}
OTHER_PANEL = """panel => {
  const other = document.createElement("div");
  other.className = "panel-with-keys other";
  other.append(document.createElement("button"));
  panel.after(other);
}"""

IMPORTS = """
import numpy as np
import torch
from workshop_utils import data, evaluation, models, widgets
"""
CLOTHES = """
test = data.load("fashion-mnist", "test")
predictions = evaluation.predict(models.ready("lenet-fashion-mnist"), test)
bags = torch.cat([(test.labels == 8).nonzero()[:10, 0], (test.labels != 8).nonzero()[:990, 0]])
bag = evaluation.predict(models.ready("lenet-fashion-mnist"), test.subset(bags)).probabilities[:, 8:9]
rare = evaluation.Predictions(np.hstack([1 - bag, bag]), (test.labels[bags] == 8).long().numpy(), ("healthy", "ill"))
"""
DIGITS = 'digits, lenet, photos = data.load("mnist", "test"), models.ready("lenet-mnist"), data.load("photos")'
RESNET = 'resnet = models.ready("small_resnet-fashion-mnist")'
BIG_NET = 'net = models.build("efficientnet_lite0", classes=1000, pretrained=True)'
ART = """
art = data.load("clip-art")
two = art.subset(torch.cat([(art.labels == label).nonzero()[:5, 0] for label in (0, 8)]))
"""
PANELS = {
    "browser": "widgets.browser()",
    "catalogue": "widgets.catalogue()",
    "guess_the_set": "widgets.guess_the_set()",
    "labelling": "widgets.labelling(test.subset(range(20)))",
    "top_k": "widgets.top_k(predictions, test)",
    "threshold": 'widgets.threshold(rare, positive="ill", miss=100, alarm=1)',
    "confusion": "widgets.confusion(evaluation.evaluate(predictions), test)",
    "drawing_pad": "widgets.drawing_pad(lenet, digits)",
    "kernel_playground": "widgets.kernel_playground(photos.images[11])",
    "architecture": "widgets.architecture()",
    "feature_maps": "widgets.feature_maps(lenet, digits)",
    "grad_cam": "widgets.grad_cam(net, photos, data.imagenet.class_names())",
    "own_pictures": "widgets.own_pictures(net, two)",
    "freezing": "widgets.freezing(resnet, digits.per_class(10))",
}


def test_every_panel_is_opened_here():
    gives = lambda name: vars(widgets)[name].__annotations__.get("return")
    panels = {name for name in widgets.__all__ if gives(name) in (widgets.Panel, KernelPanel)}
    assert len(panels) > 9 and panels <= PANELS.keys() <= {*widgets.__all__}


class Opened:
    """A notebook in a browser. asked: the address of every request that any of them made."""

    asked: ClassVar[list[str]] = []

    def __init__(
        self,
        page,
        panels: dict[str, str],
        lab: str,
        folder: Path,
        name: str,
        *setup: str,
        at: str = "lab/workspaces/{0}/tree/{0}.ipynb",
    ):
        cells = ["\n".join((IMPORTS, *setup)), *panels.values()]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        nbformat.write(
            nbformat.v4.new_notebook(
                cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel
            ),
            folder / f"{name}.ipynb",
        )
        self.page, self.names = page, list(panels)
        page.context.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: self.asked.append(socket.url))
        page.set_default_timeout(30_000)
        page.goto(f"{lab}/{at.format(name)}")
        expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(len(cells))
        self.wait_for_kernel()  # cells run before would be forgotten
        self.run_all()

    def wait_for_kernel(self) -> None:
        idle = self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
        expect(idle).to_be_visible(timeout=60_000)

    def run_all(self) -> None:
        """Runs all cells, again where JupyterLab has forgotten those that it gave to a fresh kernel: their brackets are empty then."""
        first = self.page.locator(".jp-Notebook .jp-InputPrompt").first
        for _ in range(3):
            self.page.get_by_role("menuitem", name="Run", exact=True).click()
            self.page.get_by_text("Run All Cells", exact=True).click()
            with suppress(AssertionError):
                expect(first).not_to_have_text("[ ]:", timeout=5_000)
            expect(first).not_to_have_text("[*]:", timeout=120_000)
            if first.text_content() != "[ ]:":
                return
        raise AssertionError("JupyterLab forgot the cells three times.")

    def panel(self, name: str):
        """The output of a panel's cell, scrolled to, once the panel has said its first sentence."""
        cell = self.page.locator(".jp-Notebook .jp-Cell").nth(1 + self.names.index(name))
        cell.scroll_into_view_if_needed()
        expect(cell.locator("div[role=status]")).not_to_be_empty(timeout=120_000)
        return cell.locator(".jp-Cell-outputArea")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with served("jupyterlab", tmp_path_factory) as address:
        yield address


@contextmanager
def served(application: str, tmp_path_factory):
    """(address, folder) of a JupyterLab or a Notebook of this Python with no settings of anybody's."""
    folder, own = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "PYTHONPATH": str(REPOSITORY),
        "WORKSHOP_DEVICE": "cpu",
        "WORKSHOP_DATA": str(folder / "data"),
        "WORKSHOP_PROGRESS": str(own / "progress"),
        "JUPYTER_CONFIG_PATH": str(REPOSITORY / "workshop_utils/tools/jupyter"),
        "JUPYTER_CONFIG_DIR": str(own),
        "JUPYTERLAB_SETTINGS_DIR": str(own),
        "JUPYTERLAB_WORKSPACES_DIR": str(own),
    }
    command = [
        sys.executable,
        "-m",
        application,
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        "--ServerApp.token=",
        "--ServerApp.password=",
        f"--ServerApp.root_dir={folder}",
    ]
    with (
        open(own / "log", "w") as log,
        subprocess.Popen(command, env={**os.environ, **settings}, stdout=log, stderr=log) as server,
    ):
        try:
            answers(f"http://127.0.0.1:{port}/api/status", server)
            yield f"http://127.0.0.1:{port}", folder
        finally:
            server.terminate()  # takes its kernels along
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:  # its kernels end where they find themselves alone
                server.kill()


def answers(address: str, server: subprocess.Popen) -> None:
    """Waits until a server answers. Raises RuntimeError if it ends or does not answer within five minutes."""
    for _ in range(1500):
        try:
            return urlopen(address, timeout=5).close()
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.2)
    raise RuntimeError(f"Jupyter does not answer at {address}.")


@pytest.fixture(scope="module")
def chromium():
    with check.browser(*CAMERA) as started:
        yield started


@pytest.fixture(scope="module")
def notebook(chromium, lab):
    """All panels, in one notebook."""
    page = chromium.new_context(viewport=SCREEN, permissions=["camera"]).new_page()
    panels = {**PANELS, "refused": "widgets.own_pictures(torch.nn.Identity())"}
    yield Opened(page, panels, *lab, "panels", CLOTHES, DIGITS, RESNET, BIG_NET, ART)
    page.context.close()


def picture_of(panel, name: str) -> None:
    """Keeps a picture of the panel in the folder SCREENSHOTS, for people who want to look."""
    if folder := os.environ.get("SCREENSHOTS"):
        panel.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture
def show(notebook):
    """Gives a panel by its name, and takes its picture after the test."""
    shown = {}
    yield lambda name: shown.setdefault(name, notebook.panel(name))
    for name, panel in shown.items():
        picture_of(panel, name)


def says(panel, words: str | re.Pattern) -> None:
    expect(panel.locator("div[role=status]")).to_contain_text(words)


def control(panel, label: str):
    """The control with this label beside it: its select, its input, or the handle of its slider."""
    labelled = panel.locator(".widget-inline-hbox", has=panel.page.get_by_text(label, exact=True))
    return labelled.locator("select, input:not([type=checkbox]), .noUi-handle").first


def press(panel, name: str) -> None:
    panel.get_by_role("button", name=name, exact=True).click()


def command_mode(panel) -> None:
    """Selects the cell of a panel, so that JupyterLab takes keys for commands, and leaves the mouse outside of the panel."""
    panel.locator(
        "xpath=ancestor::*[contains(concat(@class, ' '), 'jp-Cell ')]//*[contains(@class, 'jp-InputPrompt')]"
    ).click()


def next_option(panel, label: str) -> None:
    """Goes one down in a dropdown by keyboard."""
    control(panel, label).press("ArrowDown")


def chosen(panel, label: str, option: str | re.Pattern) -> None:
    expect(control(panel, label).locator("option:checked")).to_have_text(option)


def test_another_data_set_is_shown_when_it_is_chosen(show):
    panel = show("browser")
    says(panel, "fashion-mnist")
    control(panel, "data set").select_option("clip-art")
    says(panel, re.compile("clip-art.*On page 1:"))
    control(panel, "page").press("ArrowRight")
    says(panel, "On page 2:")


def test_a_guess_is_judged_and_the_next_picture_asks_again(show):
    panel = show("guess_the_set")
    says(panel, "From which set? Choose above.")
    press(panel, "photos")
    says(panel, re.compile("it is from .* of 1 whole pictures"))
    press(panel, "next picture")
    says(panel, "From which set? Choose above.")
    expect(panel.get_by_role("button", name="?", exact=True)).to_have_class(
        re.compile("mod-active")
    )


def test_pictures_are_named_by_digit_and_by_mouse(show):
    panel, keys = show("labelling"), show("labelling").page.keyboard
    says(panel, "Picture 1, 28 x 28 pixels. What is it? 0 of 20 have a label")
    command_mode(panel)
    keys.press("9")  # before any click on the panel
    says(panel, re.compile("Picture 2, .* 1 of 20 have a label"))
    press(panel, "2 Pullover")
    says(panel, re.compile("Picture 3, .* 2 of 20 have a label"))
    press(panel, "not sure")
    keys.press("5")
    says(panel, re.compile("Picture 4, .* 3 of 20 have a label"))
    expect(panel.get_by_role("button", name="sure", exact=True)).to_have_class(
        re.compile("mod-active")
    )
    keys.press("1")  # the digit after "not sure" and its answer still reaches the panel
    says(panel, re.compile("Picture 5, .* 4 of 20 have a label"))
    control(panel, "picture").press("Home")
    expect(panel.get_by_role("button", name="9 Ankle boot", exact=True)).to_have_class(
        re.compile("mod-active")
    )
    expect(panel.page.locator(".jp-Notebook .jp-MarkdownCell")).to_have_count(
        0
    )  # a digit on a cell would make it a heading


def test_digits_of_french_and_arabic_keyboards_answer(show):
    panel = show("labelling")
    cdp = panel.page.context.new_cdp_session(panel.page)
    for (key, code, modifiers), digit in AZERTY.items():
        control(panel, "picture").press("Home")
        says(panel, "Picture 1,")
        command_mode(panel)
        event = {"key": key, "code": code, "text": key, "modifiers": modifiers}
        for kind in ("keyDown", "keyUp"):
            cdp.send("Input.dispatchKeyEvent", {"type": kind, **event})
        says(panel, re.compile("Picture (?!1,)"))
        control(panel, "picture").press("Home")
        button = panel.get_by_role("button", name=re.compile(f"^{digit} "))
        expect(button).to_have_class(re.compile("mod-active"))


@pytest.mark.slow
def test_a_panel_works_in_notebook_7_too(chromium, tmp_path_factory):
    pytest.importorskip("notebook")
    page = chromium.new_context(viewport=SCREEN).new_page()
    with served("notebook", tmp_path_factory) as address:
        drawn = {"drawing_pad": PANELS["drawing_pad"]}
        opened = Opened(page, drawn, *address, "classic", DIGITS, at="notebooks/{0}.ipynb")
        panel = opened.panel("drawing_pad")
        draw_a_one(panel)
        before = panel.locator("div[role=status]").inner_text()
        control(panel, "shift right").press("ArrowRight")
        expect(panel.locator("div[role=status]")).not_to_have_text(before)
        picture_of(panel, "drawing_pad_notebook_7")
        page.context.close()


def test_keys_typed_in_an_editor_a_palette_or_another_panel_do_not_answer(show):
    """While a panel whose buttons begin with digits is in sight."""
    panel, keys = show("labelling"), show("labelling").page.keyboard
    control(panel, "picture").press("Home")
    before = panel.locator("div[role=status]").inner_text()
    editor = panel.locator(
        "xpath=ancestor::*[contains(concat(@class, ' '), 'jp-Cell ')]//*[contains(@class, 'cm-content')]"
    )
    editor.click()
    keys.type("12x")
    expect(editor).to_contain_text("12x")
    for _ in "12x":
        keys.press("Backspace")
    keys.press("Control+Shift+c")
    palette = panel.page.locator("#modal-command-palette input")
    expect(palette).to_be_focused()
    keys.type("12x")
    expect(palette).to_have_value("12x")
    keys.press("Escape")
    panel.evaluate(OTHER_PANEL)
    panel.page.locator(".panel-with-keys.other button").press("3")
    panel.page.locator(".panel-with-keys.other").evaluate("other => other.remove()")
    assert panel.locator("div[role=status]").inner_text() == before


def test_k_moves_by_keyboard(show):
    panel = show("top_k")
    says(panel, "top-1 accuracy is")
    control(panel, "k").press("ArrowRight")
    says(panel, "top-2 accuracy is")
    control(panel, "k").press("End")
    says(panel, "top-10 accuracy is 100.00%")


def test_a_lower_threshold_misses_fewer(show):
    panel = show("threshold")
    says(panel, "Threshold 0.5:")
    control(panel, "threshold").press("ArrowLeft")
    says(panel, "Threshold 0.4:")
    control(panel, "threshold").press("Home")
    says(panel, re.compile("Threshold 0.001: 10 of 10 'ill' are found, 0 missed"))


def test_click_on_a_cell_opens_its_pictures(show):
    panel = show("confusion")
    picture = panel.get_by_role("img", name=re.compile("^Confusion matrix"))
    box, (left, bottom, width, height) = picture.bounding_box(), MATRIX
    right, down = (
        left + width * 6.5 / 10,
        1 - bottom - height + height * 0.5 / 10,
    )  # the middle of row 0, column 6
    picture.click(position={"x": box["width"] * right, "y": box["height"] * down})
    says(panel, "pictures of 'T-shirt/top' are wrongly called 'Shirt'")
    chosen(panel, "what it is", "T-shirt/top")
    chosen(panel, "what the net said", "Shirt")


def test_a_cell_of_the_matrix_is_chosen_by_dropdown_and_by_keyboard(show):
    panel = show("confusion")
    control(panel, "what it is").select_option("Sneaker")
    control(panel, "what the net said").select_option("Sneaker")
    says(panel, "pictures of 'Sneaker' are right")
    next_option(panel, "what the net said")
    says(panel, "pictures of 'Sneaker' are wrongly called 'Bag'")


def draw_a_one(panel) -> dict:
    """Draws on the pad with the mouse; returns the pad's place on the page."""
    pad, mouse = panel.get_by_role("img", name=re.compile("^Drawing pad")), panel.page.mouse
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    mouse.move(box["x"] + 140, box["y"] + 50)
    mouse.down()
    mouse.move(box["x"] + 140, box["y"] + 230, steps=10)
    mouse.up()
    says(panel, "The net says '1' with")
    return box


def test_a_stroke_is_read_and_a_cleared_pad_is_empty(show):
    panel = show("drawing_pad")
    ask = panel.get_by_text("draw here", exact=True)
    expect(ask).to_be_visible()
    box = draw_a_one(panel)
    expect(ask).to_be_hidden()
    chosen(panel, "picture", "my drawing")
    answer = panel.locator(".widget-image").bounding_box()
    assert answer["x"] >= box["x"] + box["width"] and abs(answer["y"] - box["y"]) < 20  # beside it
    press(panel, "Clear the pad")
    says(panel, "The pad is empty.")
    expect(ask).to_be_visible()


def test_a_stroke_is_drawn_by_keyboard(show):
    panel = show("drawing_pad")
    pad, keys = panel.get_by_role("img", name=re.compile("^Drawing pad")), panel.page.keyboard
    press(panel, "Clear the pad")
    says(panel, "The pad is empty.")
    pad.focus()
    for _ in range(9):
        keys.press("ArrowUp")
    keys.down("Shift")
    for _ in range(18):
        keys.press("ArrowDown")
    keys.up("Shift")
    says(panel, "The net says '1' with")
    press(panel, "Clear the pad")


def test_a_sample_is_chosen_and_shifted_by_keyboard(show):
    panel = show("drawing_pad")
    control(panel, "picture").select_option("sample: 0")
    next_option(panel, "picture")
    says(panel, "The net says '1' with")
    before = panel.locator("div[role=status]").inner_text()
    control(panel, "shift right").press("ArrowRight")
    expect(panel.locator("div[role=status]")).not_to_have_text(before)


def test_a_letter_typed_on_a_control_is_no_command_on_the_cell(show, notebook):
    cells = notebook.page.locator(".jp-Notebook .jp-Cell")
    before = cells.count()
    panel = show("feature_maps")
    control(panel, "layer").press("x")  # JupyterLab's key for: cut this cell
    expect(cells).to_have_count(before)
    command_mode(panel)
    panel.locator("div[role=status]").hover()
    notebook.page.keyboard.press("x")
    expect(cells).to_have_count(before)


def test_a_preset_fills_the_kernel_and_an_edit_makes_it_your_own(show):
    panel = show("kernel_playground")
    control(panel, "preset").select_option("sharpen")
    says(panel, "The sum is 1")
    numbers = [control(panel, f"{row},{column}") for row in (1, 2, 3) for column in (1, 2, 3)]
    for number, value in zip(numbers, (0, -1, 0, -1, 5, -1, 0, -1, 0)):
        expect(number).to_have_value(str(value))
    numbers[4].fill("7")
    numbers[4].press("Enter")
    says(panel, "The sum is 3")
    chosen(panel, "preset", "your own")


def test_blocks_pile_up_until_the_picture_is_too_small(show):
    panel = show("architecture")
    says(panel, "Shapes: 1 x 28 x 28")
    press(panel, "remove the last")
    for count in range(2, 6):
        press(panel, "+ pool")
        expect(control(panel, "blocks")).to_have_value(", ".join(["conv5 6"] + ["pool"] * count))
    says(panel, "does not fit")
    control(panel, "blocks").fill("conv3 8 same, pool, dense 20")
    control(panel, "blocks").press("Enter")
    says(panel, "8 x 14 x 14")
    press(panel, "remove the last")
    press(panel, "+ res 32")
    says(panel, "32 x 14 x 14")
    panel.get_by_text("This net in plain PyTorch").click()
    expect(panel.locator("pre", has_text="net = nn.Sequential(")).to_be_visible()
    panel.get_by_text("This net in plain PyTorch").click()


def test_another_layer_shows_its_maps(show):
    panel = show("feature_maps")
    says(panel, "Layer 1 turns the picture (0) into 6 maps of 28 x 28")
    layer = control(panel, "layer")
    layer.select_option(layer.locator("option", has_text="Conv2d, 16 maps").get_attribute("value"))
    says(panel, "into 16 maps of 10 x 10")
    before = panel.locator(".widget-image").get_attribute("src")
    control(panel, "picture").press("ArrowRight")
    expect(panel.locator(".widget-image")).not_to_have_attribute("src", before)


def test_another_class_is_looked_for_and_the_heat_fades(show):
    panel = show("grad_cam")
    says(panel, "The net says:")
    control(panel, "looks for").select_option("golden retriever (207)")
    says(panel, "For 'golden retriever'")
    before = panel.locator(".widget-image").get_attribute("src")
    control(panel, "opacity").press("Home")
    expect(panel.locator(".widget-image")).not_to_have_attribute("src", before)


def give(panel, button: str, *files: tuple[str, bytes]) -> None:
    with panel.page.expect_file_chooser() as chooser:
        panel.get_by_role("button", name=re.compile(button)).click()
    chooser.value.set_files(
        [{"name": name, "mimeType": "image/png", "buffer": raw} for name, raw in files]
    )


def test_pictures_from_camera_and_file_train_a_classifier(show):
    panel = show("own_pictures")
    says(panel, re.compile("There are 5 of '"))
    name = control(panel, "name of the class")
    expect(name).to_have_value("")
    name.fill("cup")
    press(panel, "Start the camera")
    press(panel, "Take a picture")
    says(panel, "There are 1 of 'cup'")  # the examples make way
    press(panel, "Stop the camera")
    expect(panel.get_by_role("button", name="Start the camera")).to_be_visible()
    expect(panel.locator("video")).to_be_hidden()
    name.fill("hand")
    give(panel, "or files as they are, 6 MB", ("mine.png", file_bytes(photo())))
    says(panel, "1 of 'cup', 1 of 'hand'")
    press(panel, "Train")
    says(panel, re.compile("A head is trained.*'cup' has one picture"))
    press(panel, "classify it")
    give(panel, "Choose pictures", ("mine.png", file_bytes(photo())), ("no.png", b"no picture"))
    says(panel, re.compile("(It says|the best,) '(cup|hand)'.* Left out: 'no.png' cannot be read"))


def test_photographs_larger_than_a_message_arrive_and_one_is_taken_back_by_a_click(show):
    panel = show("own_pictures")
    noise = np.random.default_rng(0).integers(0, 256, (6, 1300, 1700, 3), dtype=np.uint8)
    files = [
        (f"{n}.jpg", file_bytes(Image.fromarray(one), "JPEG", quality=95))
        for n, one in enumerate(noise)
    ]
    assert sum(len(raw) for _, raw in files) > 11_000_000  # more than a server takes at once
    press(panel, "a class to learn")
    control(panel, "name of the class").fill("noise")
    give(panel, "Choose pictures", *files)
    says(panel, "6 of 'noise'")
    picture = panel.get_by_role("img", name=re.compile("^Your pictures"))
    box = picture.bounding_box()
    picture.click(position={"x": 0.03 * box["width"], "y": 0.9 * box["height"]})
    says(panel, "5 of 'noise'")
    says(panel, "One of 'noise' was taken back.")


def test_a_class_is_found_by_typing_its_name(show):
    panel = show("grad_cam")
    says(panel, "The net says:")
    control(panel, "looks for").focus()
    panel.page.keyboard.type("fig")
    chosen(panel, "looks for", "fig (952)")
    says(panel, "For 'fig'")


def test_a_refused_camera_points_to_files(show):
    panel = show("refused")
    panel.page.evaluate(f"() => {{ {NO_CAMERA} }}")
    press(panel, "Start the camera")
    expect(
        panel.get_by_text("The camera cannot be used here (NotAllowedError). Choose files instead.")
    ).to_be_visible()
    panel.page.evaluate("delete navigator.mediaDevices.getUserMedia")


def test_an_epoch_moves_the_stages_that_learn(show):
    panel = show("freezing")
    says(panel, "Nothing was trained yet")
    control(panel, "stages that learn").press("ArrowRight")
    says(panel, re.compile("learn, in 2 of"))
    press(panel, "Train one epoch and compare")
    says(panel, re.compile("One epoch moved .* in 2 stages"))


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_fits_on_a_small_laptop_with_sliders_to_drag_and_a_ring_for_the_keyboard(
    show, name
):
    panel = show(name)
    output = panel.locator(".jp-OutputArea-output")
    assert output.evaluate_all(SCROLLED) == []
    heights = output.evaluate_all("all => all.map(one => one.getBoundingClientRect().height)")
    assert sum(heights) <= HIGHEST, heights
    lengths = panel.locator(".noUi-target").evaluate_all(
        "all => all.map(slider => slider.getBoundingClientRect().width)"
    )
    assert all(length >= SHORTEST for length in lengths), lengths
    first = panel.locator("select, button, [role=slider], input:visible").first
    first.press("Tab")  # from now on the keyboard moves the focus
    first.focus()
    assert first.page.evaluate(RING) == ["solid", "3px"]


def test_the_nine_numbers_stand_as_the_kernel_does(show):
    panel = show("kernel_playground")
    boxes = {
        (row, column): control(panel, f"{row},{column}").bounding_box()
        for row in (1, 2, 3)
        for column in (1, 2, 3)
    }
    for row, column in boxes:
        assert (
            boxes[row, column]["y"] == boxes[row, 1]["y"]
            and boxes[row, column]["x"] == boxes[1, column]["x"]
        ), boxes


def test_panel_says_that_its_kernel_was_restarted(notebook):
    """After all that move a panel, for no other panel has a kernel then."""
    panel = notebook.panel("browser")
    after = "panel => getComputedStyle(panel, '::after').content"
    assert panel.locator(".panel-with-keys").evaluate(after) == "none"
    panel.page.get_by_role("menuitem", name="Kernel", exact=True).click()
    panel.page.get_by_text(re.compile("^Restart Kernel…$")).click()
    panel.page.get_by_role("button", name="Confirm Kernel Restart").click()
    expect(panel.locator(".panel-with-keys")).to_have_class(re.compile("disconnected"))
    assert "no kernel any more" in panel.locator(".panel-with-keys").evaluate(after)
    picture_of(panel, "browser_restarted")
    notebook.wait_for_kernel()  # a server that is stopped between two kernels waits for ever


def test_nothing_outside_this_computer_was_asked(
    notebook,
):  # last, for it looks at what all tests before it asked
    asked = [urlparse(address) for address in Opened.asked]
    assert {"http", "ws"} <= {address.scheme for address in asked}
    assert {address.hostname for address in asked if address.scheme not in ("data", "blob")} <= {
        "127.0.0.1",
        "localhost",
    }
