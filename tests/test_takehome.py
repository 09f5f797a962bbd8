"""The page to take home: in a real Chromium it says what torch says, alone in a folder, without a request."""

import base64
import json
import os
import re

import numpy as np
import pytest
import torch
from helpers import loaded, tiny_dataset
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


def in_rows() -> nn.Module:
    """A net of rows, in which one convolution is used twice and another gets its weights from a parametrisation."""
    twice = nn.Conv2d(4, 4, 3, padding=1)
    normed = nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 4, 5))
    body = nn.Sequential(normed, nn.ReLU(), nn.MaxPool2d(2), twice, nn.ReLU(), twice)
    return nn.Sequential(body, nn.Dropout2d(), nn.Flatten(), nn.Sequential(nn.Linear(576, 10)))


class Louder(nn.Conv2d):
    """A convolution with a way of its own."""

    def forward(self, x):
        return 2 * super().forward(x)


def unusual() -> nn.Module:
    """Layers in other ways than the course's own nets have them."""
    first, second = nn.Conv2d(1, 4, (5, 3), stride=2, bias=False), nn.Conv2d(4, 6, 3, dilation=2)
    body = nn.Sequential(nn.Linear(28, 20), first, nn.BatchNorm2d(4), nn.ReLU6(), second)
    pool = nn.Sequential(nn.MaxPool2d(3, stride=2, padding=1), nn.AdaptiveAvgPool2d(2))
    dense = nn.Sequential(nn.BatchNorm1d(24), nn.Linear(24, 16), nn.BatchNorm1d(16, affine=False))
    net = nn.Sequential(body, pool, nn.Flatten(), dense, nn.ReLU(), nn.Linear(16, 10)).eval()
    for layer in (dense[0], dense[2]):
        layer.running_mean.normal_(std=0.2)
        layer.running_var.uniform_(0.5, 2)
    net[-1].weight.data.mul_(20)  # answers that differ
    return net


def test_page_holds_the_numbers_of_a_layer_each_time_it_is_used(tmp_path):
    torch.manual_seed(0)
    net = in_rows()
    page = takehome.page(net, loaded("mnist"), tmp_path / "net.html").read_text("utf-8")
    content = json.loads(re.search(r"const NET = (.*);", page)[1])
    numbers = np.frombuffer(base64.b64decode(content["weights"]), "<f2")
    convolutions = [given for name, _, given in content["steps"] if name == "conv2d"]
    starts = [one["from"] for _, *both in convolutions for one in both[:2]]
    assert starts == [0, 100, 104, 248, 252, 396] and len(numbers) == 400 + 5770
    assert (numbers[104:252] == numbers[252:400]).all()
    assert (numbers[:100] == net[0][0].weight.detach().half().flatten().numpy()).all()


@in_browser
@pytest.mark.parametrize(
    "kind", ["lenet", "own design", "rows in a row, one layer twice", "unusual", "small_resnet"]
)
def test_page_says_what_torch_says_to_100_pictures(browser, tmp_path, kind):
    torch.manual_seed(0)
    design = "conv3 8 same, pool, conv5 12, dense 20"
    nets = {
        "lenet": lambda: models.ready("lenet-mnist"),
        "own design": lambda: models.stacked(
            design, classes=10, input_shape=(1, 28, 28), dropout=0.5
        ),
        "rows in a row, one layer twice": in_rows,
        "unusual": unusual,
        "small_resnet": lambda: models.ready("small_resnet-fashion-mnist"),
    }
    net = nets[kind]()
    pictures = loaded("mnist", "test").subset(range(0, 1000, 10))
    expected = evaluation.predict(net, pictures).probabilities
    page = opened(browser, net, tmp_path)
    said = np.array(
        page.evaluate(
            "async pictures => { const said = []; for (const one of pictures) said.push(await show(one)); return said; }",
            pictures.images.flatten(1).tolist(),
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


@in_browser
def test_page_says_whose_net_it_is(browser, tmp_path):
    own = opened(browser, nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), tmp_path)
    expect(own.get_by_role("heading")).to_have_text("My net")
    expect(own.get_by_text("trained by me in the workshop")).to_be_visible()
    page = opened(browser, models.ready("lenet-mnist"), tmp_path)
    expect(page.get_by_role("heading")).to_have_text("A net of the course")
    expect(page.get_by_text("not mine: this net comes with the workshop")).to_be_visible()
    assert page.title() == "A net of the course"


@pytest.mark.parametrize(
    "layer, operation",
    [
        (Louder(1, 2, 3), "aten.mul.Tensor"),
        (nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"), "aten.pad.default"),
        (nn.AvgPool2d(2), "aten.avg_pool2d.default"),
        (nn.Sigmoid(), "aten.sigmoid.default"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_layer_that_the_page_cannot_hold_is_refused_by_name(tmp_path, layer, operation):
    net = nn.Sequential(layer, nn.Flatten(), nn.LazyLinear(10))
    words = f"'{operation}', which this net does in 0"
    with pytest.raises(ValueError, match=re.escape(words)):
        takehome.page(net, loaded("mnist"), tmp_path / "none.html")
    assert not (tmp_path / "none.html").exists()


def test_page_of_a_part_of_a_set_names_the_scores_as_the_net_knows_them(tmp_path):
    net, pictures = dense(), tiny_dataset(2, side=28)
    net.classes = pictures.classes[::-1]
    part = torch.utils.data.Subset(pictures, range(4))
    page = takehome.page(net, part, tmp_path / "net.html").read_text("utf-8")
    assert json.loads(re.search(r"const NET = (.*);", page)[1])["classes"] == [*net.classes]


class Deciding(nn.Linear):
    """A layer that looks at the numbers before it decides what to do."""

    def forward(self, x):
        return super().forward(x if x.sum() > 0 else -x)


def test_net_that_torch_cannot_export_is_refused_in_a_sentence(tmp_path):
    net = nn.Sequential(nn.Flatten(), Deciding(784, 10))
    with pytest.raises(ValueError, match="torch.export cannot follow this net"):
        takehome.page(net, loaded("mnist"), tmp_path / "none.html")


def dense(inputs: int = 784, classes: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, classes))


def prepared() -> nn.Module:
    net = dense()
    net.preprocess = models.preprocessing(resize=28, crop=28, mean=[0.5], std=[0.5])
    return net


def diverged() -> nn.Module:
    net = dense()
    net[1].bias.data[0] = float("nan")
    return net


@pytest.mark.parametrize(
    "net, shape, words",
    [
        (
            lambda: dense(64 * 64),
            (1, 64),
            "pad gives 1 x 28 x 28 pixels; this net reads 1 x 64 x 64",
        ),
        (lambda: dense(3 * 784), (3, 28), "this net reads 3 x 28 x 28"),
        (lambda: dense(3 * 784), (1, 28), r"cannot read pictures of shape \(1, 28, 28\)"),
        (lambda: dense(classes=4), (1, 28), "4 scores, but tiny has 3 classes"),
        (prepared, (1, 28), "through a preprocessing of its own"),
        (diverged, (1, 28), "answers with NaN, no number"),
    ],
)
def test_net_that_reads_something_else_than_the_pad_gives_is_refused(tmp_path, net, shape, words):
    channels, side = shape
    with pytest.raises(ValueError, match=words):
        takehome.page(net(), tiny_dataset(1, channels=channels, side=side), tmp_path / "none.html")
    assert not (tmp_path / "none.html").exists()
