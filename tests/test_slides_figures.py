"""What the slides draw: from the course's own pictures and nets, in letters that the last row can read, and the same on paper."""

import json
import re
from html import unescape

import pytest
import torch

from slides import build, check, contest, figures, moving, nets, sets, values
from workshop_utils import data, models
from workshop_utils.illustrations import WINNERS

CALLS = sorted(set(re.findall(r"!\[\]\(figure:([^)]+)\)", build.source("image_classification"))))


@pytest.mark.slow  # the builder says the same of every figure
@pytest.mark.parametrize("call", CALLS)
def test_figure_of_the_deck_fits_its_slide_and_can_be_read(call):
    figure, width = figures.draw(call)
    high = width * figure.get_figheight() / figure.get_figwidth()
    assert width <= 1280 and high <= 540 and len(figure.description) > 20
    assert figure.storable and not check.unreadable(figure, width)


def test_words_of_a_figure_do_not_stand_on_their_side():
    figure, _ = figures.draw("degradation")
    assert not any(axes.get_ylabel() for axes in figure.axes)
    assert figure.axes[0].get_title(loc="left").startswith("training error")


def test_small_letters_get_a_smaller_sheet():
    before = figures.FIGURES["degradation"]()
    size = before.get_size_inches().copy()
    figures.legible(before)
    assert (before.get_size_inches() < size).all()


def test_pad_holds_the_net_of_the_course_and_has_read_a_digit():
    frame = moving.pad()
    page = unescape(re.search(r'srcdoc="([^"]+)"', frame)[1])
    content = json.loads(re.search(r"const NET = (\{.+\});", page)[1])
    assert "this net comes with the workshop" in page and content["classes"] == list("0123456789")
    shown = json.loads(re.search(r"show\(Uint8Array\.from\((\[.+?\])\)\)", page)[1])
    assert shown == data.load("mnist", "test").images[301].flatten().tolist()


def test_kernel_that_slides_writes_what_torch_computes():
    piece = moving.kernel()
    words = [int(one) for one in re.findall(r"<text[^>]+>([-+\d]+)</text>", piece)]
    pixels, weights, answer = words[:36], words[36:45], words[45:]
    found = torch.nn.functional.conv2d(
        torch.tensor(pixels).reshape(1, 1, 6, 6).float(),
        torch.tensor(weights).reshape(1, 1, 3, 3).float(),
    )
    assert answer == found.flatten().int().tolist()


def test_kernel_stands_still_on_paper_and_for_who_wants_no_motion():
    assert (
        "@media print,(prefers-reduced-motion:reduce){.sliding *{animation:none" in moving.kernel()
    )


def test_lenet_is_drawn_with_what_the_net_says():
    net, digits = models.ready("lenet-mnist"), data.load("mnist", "test")
    with torch.inference_mode():
        read = (digits.images[301:302].float() / 255 - digits.mean) / digits.std
        said = net(read).softmax(1)[0]
    words = nets.lenet_alive().description
    assert words.endswith(f"The highest: {int(said.argmax())}, {said.max():.0%}.")


def test_every_winner_of_the_contest_has_its_error_and_a_sketch():
    words = contest.contest().description
    assert all(f"{year} {name}: {error:g}" in words for year, name, error, _ in WINNERS)
    assert {year for year, *_ in WINNERS} == set(contest.SKETCHES)


def test_tree_is_wordnets():
    wnids = dict(zip(data.imagenet.class_names(), data.imagenet.wnids()))
    for said in re.findall(r"(?:ends: |; )([\w ]+) below ([\w ,]+)", sets.tree().description):
        above = {word for way in data.imagenet.paths(wnids[said[0]]) for word in way}
        assert set(said[1].split(", ")) <= above


def test_wall_of_cifar_says_where_its_pictures_come_from():
    try:
        words = sets.wall("cifar10").description
    except ValueError as missing:
        pytest.skip(str(missing))
    assert "official test set" in words


def test_emoji_are_pictures_inside_the_page_with_their_licence():
    folder = build.HERE / "emoji"
    used = set(re.findall(r"\{\{emoji (\w+)\}\}", build.source("image_classification")))
    assert used == {path.stem for path in folder.glob("*.svg")}
    assert "CC BY 4.0" in (folder / "LICENSE.md").read_text("utf-8")
    assert values.emoji("smile").startswith(
        '<img class="emoji" alt="smile" src="data:image/svg+xml'
    )
