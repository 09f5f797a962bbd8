"""The page to take home: in a real Chromium it says what torch says, alone in a folder, without a request."""

import os

import numpy as np
import pytest
import torch
from helpers import loaded
from test_browser import expect
from torch import nn

from slides import check
from workshop_utils import evaluation, models, takehome
from workshop_utils.widgets.digit_pad import from_browser

in_browser = pytest.mark.skipif(
    not check.chromium_path(),
    reason="no Chromium was found: name one in the environment variable CHROMIUM",
)
STROKES = [[(60, 50), (210, 50), (120, 240)], [(90, 140), (190, 130)]]  # a crossed seven


@pytest.fixture(scope="module")
def browser():
    with check.browser() as started:
        yield started


def opened(browser, net, folder, **context):
    """The page of a net in a browser without a network, and every request and error that it causes."""
    path = takehome.page(net, loaded("mnist"), folder / "my-net.html")
    page = browser.new_context(offline=True, **context).new_page()
    page.noticed = []
    page.on("request", lambda request: page.noticed.append(request.url))
    page.on("pageerror", lambda error: page.noticed.append(str(error)))
    page.goto(path.as_uri())
    assert page.noticed.pop(0) == path.as_uri()
    return page


@in_browser
@pytest.mark.parametrize("kind", ["lenet", "own design"])
def test_page_says_what_torch_says_to_100_pictures(browser, tmp_path, kind):
    torch.manual_seed(0)
    net = (
        models.ready("lenet-mnist")
        if kind == "lenet"
        else models.stacked(
            "conv3 8 same, pool, conv5 12, dense 20",
            classes=10,
            input_shape=(1, 28, 28),
            dropout=0.5,
        )
    )
    pictures = loaded("mnist", "test").subset(range(0, 1000, 10))
    expected = evaluation.predict(net, pictures).probabilities
    page = opened(browser, net, tmp_path)
    said = np.array(
        page.evaluate(
            "pictures => pictures.map(probabilities)", pictures.images.flatten(1).tolist()
        )
    )
    assert len(said) == 100 and (said.argmax(1) == expected.argmax(1)).all()
    np.testing.assert_allclose(said, expected, atol=1e-3)


@in_browser
@pytest.mark.parametrize(
    "context",
    [{}, {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}],
    ids=["laptop", "phone"],
)
def test_drawing_is_seen_as_the_notebooks_pad_sees_it_and_nothing_is_sent(
    browser, tmp_path, context
):
    net = models.ready("lenet-mnist")
    page = opened(browser, net, tmp_path, **context)
    pad = page.get_by_label("Drawing pad").bounding_box()
    for stroke in STROKES:
        for number, (x, y) in enumerate(stroke):
            page.mouse.move(pad["x"] + x, pad["y"] + y)
            if number == 0:
                page.mouse.down()
        page.mouse.up()
    expect(page.locator("#answer")).to_contain_text("The net says")
    picture = from_browser(page.get_by_label("Drawing pad").evaluate("pad => pad.toDataURL()"))
    seen = torch.tensor(
        page.locator("#seen").evaluate(
            "seen => Array.from(seen.getContext('2d').getImageData(0, 0, 28, 28).data)"
        )
    ).view(1, 28, 28, 4)[..., 0]
    assert (seen.int() - picture.int()).abs().max() <= 2  # roundings of a mean
    assert page.evaluate(
        "document.documentElement.scrollWidth <= window.innerWidth"
    )  # nothing is cut off on a phone
    assert [address for address in page.noticed if not address.startswith("data:")] == []
    if "SCREENSHOTS" in os.environ:
        page.screenshot(
            path=f"{os.environ['SCREENSHOTS']}/takehome-{'phone' if context else 'laptop'}.png"
        )
    page.get_by_text("Clear the pad").click()
    expect(page.locator("#answer")).to_have_text("The pad is empty.")


@pytest.mark.parametrize(
    "net, layer",
    [
        (models.build("small_resnet", classes=10, channels=1), "ResidualBlock"),
        (nn.Sequential(nn.Conv2d(1, 2, 3, stride=2)), "Conv2d"),
    ],
)
def test_net_that_the_page_cannot_hold_is_refused_by_the_name_of_the_layer(tmp_path, net, layer):
    with pytest.raises(ValueError, match=f"this net has a {layer} that is none of them"):
        takehome.page(net, loaded("mnist"), tmp_path / "none.html")
    assert not (tmp_path / "none.html").exists()
