"""The page of a classifier: in a real Chromium it says of pictures what torch says, alone in a folder, without a request."""

import base64
import io
import json
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import file_bytes, loaded, photo, tiny_dataset, tiny_net
from PIL import Image
from test_browser import CAMERA, NO_CAMERA, expect
from torch import nn
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import to_pil_image

from slides import check
from workshop_utils import models, takehome, transfer
from workshop_utils.widgets.picture_collection import own_pictures

in_browser = pytest.mark.skipif(
    not check.chromium_path(),
    reason="no Chromium was found: name one in the environment variable CHROMIUM",
)
PHONE = {  # as Playwright describes a Pixel 7
    "viewport": {"width": 412, "height": 839},
    "device_scale_factor": 2.625,
    "has_touch": True,
    "is_mobile": True,
}
# a file as base64 -> the probabilities that the page shows; the pixels that it says the net sees
BLOB = "text => new Blob([Uint8Array.from(atob(text), letter => letter.charCodeAt(0))])"
SAYS = f"async files => {{ const said = []; for (const file of files) said.push(await classify(({BLOB})(file))); return said; }}"
SEEN = f"async file => [...cropped(await createImageBitmap(({BLOB})(file), {{ colorSpaceConversion: 'none' }}))]"
SMALL = {"resize": 20, "crop": 16, "mean": [0.5, 0.4, 0.3], "std": [0.25, 0.2, 0.3]}


@pytest.fixture(scope="module")
def browser():
    with check.browser(*CAMERA) as started:
        yield started


@pytest.fixture(scope="module")
def plain_page(browser, tmp_path_factory):
    return opened(browser, made(tiny_net(channels=3)), tmp_path_factory.mktemp("plain"))


class Odd(nn.Module):
    """All operations of the page, in ways that a common net does not use: (B, 3, 16, 16) -> (B, 3)."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2))
        self.norm, self.later = nn.BatchNorm2d(8), nn.BatchNorm2d(16, affine=False)
        self.pool = nn.MaxPool2d(3, 2, padding=1, ceil_mode=True)
        self.groups = nn.Conv2d(16, 6, 3, padding=1, groups=2, bias=False)
        self.places, self.head = nn.Linear(22, 5, bias=False), nn.Linear(5 + 22 * 8, 3)
        for norm in (self.norm, self.later):
            norm.running_mean.uniform_(-0.5, 0.5)
            norm.running_var.uniform_(0.5, 2)

    def forward(self, x):
        x = self.norm(self.first(x))
        y = F.hardtanh_(x, -0.2, 1.5)  # x is another afterwards
        x = self.pool(self.later(torch.cat([x, F.relu(y)], 1)))
        x = F.pad(x, (1, 0, 2, -1))
        x = torch.cat([self.groups(x), x], -3)
        x += F.relu6(x)
        places = self.places(F.dropout(x, 0.5, self.training).permute(0, 2, 3, 1)).mean((1, -2))
        return self.head(torch.cat([places, F.adaptive_avg_pool2d(x, (4, 2)).flatten(1)], 1))


def made(net: nn.Module, classes=("a", "b", "c"), threshold=0.0, **recipe) -> nn.Module:
    net.preprocess = models.preprocessing(**{**SMALL, **recipe})
    net.classes, net.threshold = classes, threshold
    return net.eval()


def opened(browser, net, folder, script="", **context):
    """The page of a net in a browser without a network, and every request and error that it causes."""
    path = takehome.classifier(net, folder / "my-classifier.html")
    page = browser.new_context(offline=True, **context).new_page()
    page.noticed = []
    page.on("request", lambda request: page.noticed.append(request.url))
    page.on("pageerror", lambda error: page.noticed.append(str(error)))
    page.add_init_script(script)
    page.goto(path.as_uri())
    assert page.noticed.pop(0) == path.as_uri()
    return page


def compared(page, net, files: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """(N, classes) probabilities of the page and of torch for the same files."""
    said = page.evaluate(SAYS, [base64.b64encode(file).decode() for file in files])
    batches = torch.stack([net.preprocess(Image.open(io.BytesIO(file))) for file in files]).split(8)
    with torch.inference_mode():
        expected = torch.cat([net(batch) for batch in batches]).softmax(1)
    return np.array(said), expected.numpy()


def photographs(count: int) -> list[bytes]:
    """The bundled photographs as JPEG files, from all classes."""
    pictures = [
        picture for split in ("train", "test") for picture in loaded("photographs", split).images
    ]
    chosen = np.linspace(0, len(pictures) - 1, count).astype(int)
    return [file_bytes(to_pil_image(pictures[place]), "JPEG", quality=90) for place in chosen]


def of_photographs(backbone: str) -> nn.Module:
    net = models.build(backbone, classes=1000, pretrained=True)
    return transfer.classifier(net, loaded("photographs").per_class(2))


def agrees(said: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, where the first guesses agree as far as they must."""
    first, second = np.sort(expected, 1)[:, :-3:-1].T
    clear = first - second > 0.02
    assert (said.argmax(1) == expected.argmax(1))[clear].all() and clear.mean() > 0.5
    return float(np.abs(said - expected).max())


@in_browser
def test_every_operation_gives_what_torchs_gives(browser, tmp_path):
    torch.manual_seed(0)
    net = made(Odd(), resize=16)
    noise = np.random.default_rng(0).integers(0, 256, (9, 16, 16, 3), dtype=np.uint8)
    with torch.no_grad():
        logits = net(net.preprocess(torch.from_numpy(noise).permute(0, 3, 1, 2)))
        scale = 1.5 / logits.std(0)  # answers that differ
        net.head.weight.mul_(scale[:, None])
        net.head.bias.copy_((net.head.bias - logits.mean(0)) * scale)
    page = opened(browser, net, tmp_path)
    said, expected = compared(page, net, [file_bytes(Image.fromarray(one)) for one in noise])
    assert expected.std(0).min() > 0.1
    np.testing.assert_allclose(said, expected, atol=5e-3)


def turned(degrees: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = {90: 6, 270: 8}[degrees]
    return file_bytes(photo(61, 40), "PNG", exif=exif)


def see_through() -> bytes:
    picture = photo(50, 60, "RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    return file_bytes(picture)


@in_browser
@pytest.mark.parametrize("way", [InterpolationMode.BILINEAR, InterpolationMode.BICUBIC])
@pytest.mark.parametrize(
    ("file", "recipe"),
    [
        (file_bytes(photo(320, 257)), {}),
        (file_bytes(photo(19, 301)), {"resize": 23}),
        (file_bytes(photo(9, 7)), {"resize": 27, "order": "BGR"}),
        (file_bytes(photo(40, 90)), {"resize": 16, "crop": 25}),
        (turned(90), {}),
        (turned(270), {"crop": 15}),
        (see_through(), {}),
        (file_bytes(photo(30, 30, "L")), {"resize": 30}),
    ],
    ids=[
        "smaller",
        "strip",
        "larger",
        "crop beyond",
        "turned",
        "turned back",
        "see-through",
        "grey",
    ],
)
def test_picture_is_made_as_torchvision_makes_it(plain_page, file, recipe, way):
    preprocess = made(tiny_net(channels=3), interpolation=way, **recipe).preprocess
    content = {**SMALL, "order": "RGB", **recipe, "interpolation": way.value}
    plain_page.evaluate("content => Object.assign(NET, content)", content)
    encoded = base64.b64encode(file).decode()
    seen = plain_page.evaluate(f"async file => [...normalised(await ({SEEN})(file))]", encoded)
    expected, side = preprocess(Image.open(io.BytesIO(file))), preprocess.crop
    steps = 255 * (torch.tensor(seen).view(3, side, side) - expected)
    steps *= torch.tensor(preprocess.std).view(3, 1, 1)
    assert steps.abs().max() < 2.5 and steps.abs().mean() < 0.1  # roundings, of 255


@in_browser
@pytest.mark.parametrize("context", [{}, PHONE], ids=["laptop", "phone"])
def test_file_is_classified_and_nothing_is_sent(browser, tmp_path, context):
    net = made(tiny_net(channels=3), ("cup", "hand", "فنجان"))
    page = opened(browser, net, tmp_path, **context)
    file = file_bytes(photo())
    assert page.locator("#camera").get_attribute("capture") == "environment"
    page.get_by_label("Choose a picture").set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": file}
    )
    _, (expected,) = compared(page, net, [file])
    best = int(expected.argmax())
    expect(page.locator("#answer")).to_have_text(
        f"It says {net.classes[best]}, with {100 * expected[best]:.1f} %."
    )
    assert page.locator("#bars meter").count() == 3
    page.get_by_label("Take a photo").set_input_files(
        {"name": "<b>.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
    )
    expect(page.locator("#answer")).to_contain_text(
        "This browser cannot read <b>.jpg as a picture."
    )
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.noticed == []


@in_browser
def test_live_camera_answers_until_it_is_stopped(browser, tmp_path):
    page = opened(browser, made(tiny_net(channels=3)), tmp_path, permissions=["camera"])
    page.get_by_role("button", name="Live camera").click()
    expect(page.locator("#answer")).to_contain_text("It says")
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.get_by_role("button", name="Live camera")).to_be_visible()
    assert page.evaluate("stream") is None and page.noticed == []


@in_browser
@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            NO_CAMERA,
            "The browser gives this page no camera (NotAllowedError). 'Take a photo' works without.",
        ),
        (
            "Object.defineProperty(navigator, 'mediaDevices', { value: undefined })",
            "no live camera",
        ),
    ],
    ids=["refused", "absent"],
)
def test_browser_without_a_live_camera_says_so(browser, tmp_path, script, words):
    page = opened(browser, made(tiny_net(channels=3)), tmp_path, script)
    if button := page.get_by_role("button", name="Live camera").all():
        button[0].click()
    expect(page.get_by_text(words)).to_be_visible()


@in_browser
def test_names_of_classes_are_only_words(browser, tmp_path):
    names = (
        "</script><script>window.hacked = 1</script>",
        "<img src=x onerror='window.hacked = 1'>",
        "__NET__ `${hacked}` \"'\u2028 & كلب",
    )
    page = opened(browser, made(tiny_net(channels=3), names), tmp_path)
    page.evaluate(SAYS, [base64.b64encode(file_bytes(photo())).decode()])
    assert page.evaluate("[window.hacked, document.images.length, NET.classes]") == [
        None,
        0,
        list(names),
    ]
    assert page.locator("#bars span[dir=auto]").count() == 6 and page.noticed == []
    for name in names:
        assert (
            name in page.locator("#classes").text_content()
            and name in page.locator("#bars").text_content()
        )


@in_browser
def test_best_class_below_the_threshold_does_not_look_likely(browser, tmp_path):
    net = made(tiny_net(channels=3), threshold=0.999)
    page = opened(browser, net, tmp_path)
    page.evaluate(SAYS, [base64.b64encode(file_bytes(photo())).decode()])
    expect(page.locator("#answer")).to_contain_text("None of these looks likely: the best,")
    expect(page.locator("#answer")).to_contain_text(
        "95 % of the pictures that it learned from reach 99.9 %."
    )


@in_browser
@pytest.mark.parametrize(
    ("count", "backbone"),
    [
        (12, "squeezenet1_1"),
        pytest.param(120, "squeezenet1_1", marks=pytest.mark.slow),
        pytest.param(120, "efficientnet_lite0", marks=pytest.mark.slow),
    ],
)
def test_photographs_get_the_first_guess_that_torch_gives(browser, tmp_path, count, backbone):
    net = of_photographs(backbone)
    page = opened(browser, net, tmp_path)
    page.set_default_timeout(600_000)
    said, expected = compared(page, net, photographs(count))
    assert agrees(said, expected) < 0.01


@pytest.mark.parametrize(
    ("backbone", "most"), [("efficientnet_lite0", 10e6), ("squeezenet1_1", 3e6)]
)
def test_page_is_small_enough_to_be_handed_on(tmp_path, backbone, most):
    net = made(models.build(backbone, classes=3), crop=224, resize=256)
    assert takehome.classifier(net, tmp_path / "page.html").stat().st_size < most


def test_names_in_an_array_and_a_word_for_the_filter_are_taken_too(tmp_path):
    plain = made(tiny_net(channels=3), interpolation=InterpolationMode.BILINEAR)
    words = made(tiny_net(channels=3), np.array(["a", "b", "c"]), interpolation="bilinear")
    pages = [takehome.classifier(net, tmp_path / "page.html").read_text() for net in (plain, words)]
    assert pages[0] == pages[1]


def test_page_is_a_file_that_a_double_click_opens(tmp_path):
    net = made(tiny_net(channels=3))
    assert takehome.classifier(net, tmp_path / "mine").name == "mine.html"
    one, three = (dict(zip(("mean", "std"), [[0.5] * n, [0.25] * n])) for n in (1, 3))
    pages = []
    for numbers in (one, three):
        net.preprocess = models.preprocessing(resize=20, crop=16, **numbers)
        pages.append(takehome.classifier(net, tmp_path / "page.html").read_text("utf-8"))
    assert pages[0] == pages[1]


def broken() -> nn.Module:
    net = tiny_net(channels=3)
    net[0].weight.data[0] = torch.nan
    return net


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (
            lambda: made(nn.Sequential(tiny_net(channels=3), nn.Sigmoid())),
            "'aten.sigmoid.default', which this net does in 1",
        ),
        (
            lambda: made(
                nn.Sequential(nn.Conv2d(3, 3, 3, padding="same"), nn.Flatten(), nn.Linear(768, 3))
            ),
            "aten.conv2d.padding",
        ),
        (lambda: made(broken()), "Some weights are not numbers"),
        (lambda: made(tiny_net(channels=3), ("a", "b")), "3 numbers, but has 2 classes"),
        (
            lambda: made(tiny_net(channels=3), interpolation=InterpolationMode.NEAREST),
            "bilinear or bicubic",
        ),
        (lambda: tiny_net(channels=3), "with .classes"),
    ],
    ids=["operation", "way of an operation", "nan", "classes", "nearest", "no classifier"],
)
def test_net_that_the_page_cannot_hold_is_refused_with_the_reason(tmp_path, net, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        takehome.classifier(net(), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_panel_writes_the_page_of_what_it_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = tiny_net(channels=3).eval()
    net.preprocess = models.preprocessing(**SMALL)
    panel = own_pictures(net, tiny_dataset(3, channels=3))
    (button,) = [
        part
        for part in panel.box.children[2].children
        if getattr(part, "description", "") == "Write my-classifier.html"
    ]
    button.click()
    assert "first: there is no head" in panel.sentence.value and not list(tmp_path.glob("*.html"))
    panel.act(panel.collection.train)
    button.click()
    assert "my-classifier.html" in panel.sentence.value and "Bluetooth" in panel.sentence.value
    content = re.search(r"const NET = (.*);", (tmp_path / "my-classifier.html").read_text("utf-8"))[
        1
    ]
    assert json.loads(content)["classes"] == ["a", "b", "c"]
