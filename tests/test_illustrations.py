"""Small figures of one idea: their numbers are those of the data, and their words cover neither each other nor a line."""

import re
from itertools import combinations, pairwise

import pytest
import torch
from matplotlib.transforms import Bbox
from torch.nn.functional import cross_entropy

from workshop_utils import data, plots
from workshop_utils.illustrations import HUMAN, WINNERS

DOZEN = (0, 22, 151, 207, 281, 403, 609, 671, 847, 907, 967, 969)


def words_in(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


# --- numbers on pixels ---


def boot() -> torch.Tensor:
    return data.load("fashion-mnist", "test").images[0]


def test_every_number_of_a_digit_is_written_on_its_pixel():
    (axes,) = plots.pixels(boot()).axes
    assert words_in(axes) == [str(value) for value in boot().flatten().tolist()]
    assert [text.get_position() for text in axes.texts[:30]][-2:] == [(0, 1), (1, 1)]


def test_numbers_of_a_whole_digit_do_not_touch():
    figure = plots.pixels(torch.full((28, 28), 255, dtype=torch.uint8))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes[:28]))
    assert all(one.y0 >= other.y1 for one, other in zip(boxes[:-28], boxes[28:]))


def test_part_of_a_picture_is_framed_and_its_rows_are_said():
    figure = plots.pixels(boot(), rows=slice(8, 10), columns=slice(14, 18))
    whole, part = figure.axes
    (frame,) = whole.patches
    assert frame.get_bbox().bounds == (13.5, 7.5, 4, 2)
    assert words_in(part) == [str(value) for value in boot()[0, 8:10, 14:18].flatten().tolist()]
    row = " ".join(str(value) for value in boot()[0, 9, 14:18].tolist())
    assert f"row 9: {row}." in figure.description


def test_colour_picture_gets_one_sheet_of_numbers_a_channel():
    picture = (torch.arange(3 * 32 * 32).view(3, 32, 32) % 251).byte()
    figure = plots.pixels(picture, rows=slice(10, 16), columns=slice(2, 9))
    _, *channels = figure.axes
    assert [axes.get_title() for axes in channels] == ["red", "green", "blue"]
    for axes, plane in zip(channels, picture):
        assert words_in(axes) == [str(value) for value in plane[10:16, 2:9].flatten().tolist()]


def test_floats_have_two_decimals_and_black_is_written_in_white():
    figure = plots.pixels(torch.tensor([[0.0, 1.0], [-1.0, 0.256]]))
    assert words_in(figure.axes[0]) == ["0.00", "1.00", "-1.00", "0.26"]
    assert [text.get_color() for text in figure.axes[0].texts] == [
        "black",
        "black",
        "white",
        "black",
    ]


@pytest.mark.parametrize("part", [(5, 5), (20, 10), (0, 29), (40, 50)])
def test_part_without_room_or_pixels_is_answered_with_what_fits(part):
    with pytest.raises(ValueError, match="there is room for 1 to"):
        plots.pixels(torch.zeros(1, 40, 40), rows=slice(*part), columns=slice(0, 6))


# --- ImageNet's tree ---


def faults(figure) -> list[str]:
    """Words of a tree that are cut or stand on others, and lines that pass through a word which they do not join."""
    figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes = {text: text.get_bbox_patch().get_window_extent() for text in axes.texts}
    page = figure.bbox
    found = [
        f"{a.get_text()} on {b.get_text()}"
        for a, b in combinations(boxes, 2)
        if boxes[a].overlaps(boxes[b])
    ]
    found += [
        text.get_text()
        for text, box in boxes.items()
        if box.x0 < 0 or box.x1 > page.x1 or box.y0 < -1 or box.y1 > page.y1 + 1
    ]
    segments = {
        tuple(map(tuple, pair))
        for line in axes.lines
        for pair in zip(line.get_xydata(), line.get_xydata()[1:])
    }
    for start, end in segments:
        ends = axes.transData.transform([start, end])
        (left, right), (low, high) = sorted(ends[:, 0]), sorted(ends[:, 1])
        for text, box in boxes.items():
            through = (
                left < box.x1 - 1 and right > box.x0 + 1 and low < box.y1 - 2 and high > box.y0 + 2
            )
            if through and not start[0] == end[0] == text.get_position()[0]:
                found.append(f"a line through {text.get_text()}")
    return found


@pytest.mark.parametrize("index", DOZEN)
def test_words_of_a_tree_stand_whole_and_free(index):
    figure = plots.tree(data.imagenet.wnids()[index])
    assert faults(figure) == [] and figure.get_figheight() < 5.7
    assert all(
        "\n" not in text.get_text() and text.get_rotation() == 0 for text in figure.axes[0].texts
    )


@pytest.mark.slow
def test_every_class_has_a_tree_whose_words_stand_whole_and_free():
    found = {wnid: faults(plots.tree(wnid)) for wnid in data.imagenet.wnids()}
    assert not {wnid: said for wnid, said in found.items() if said}


def test_test_of_trees_finds_a_word_that_covers_another():
    figure = plots.tree("tabby")
    figure.axes[0].texts[0].set_y(1)
    assert "entity on physical entity" in faults(figure)


def test_tree_has_every_word_above_a_class_once_and_says_every_way():
    figure, paths = plots.tree("tabby"), data.imagenet.paths("n02123045")
    assert sorted(words_in(figure.axes[0])) == sorted({name for path in paths for name in path})
    assert all(", ".join(path) in figure.description for path in paths) and len(paths) == 2


def test_two_words_of_one_name_stay_two():
    assert words_in(plots.tree("eggnog").axes[0]).count("substance") == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("golden retreiver", "golden retriever"),
        ("crane", "n02012849, n03126707"),
        ("n99999999", "0 classes of ImageNet"),
    ],
)
def test_name_of_no_class_or_of_two_is_answered_with_what_is_near(name, words):
    with pytest.raises(ValueError, match=words):
        plots.tree(name)


# --- what a probability costs ---


def test_costs_are_those_that_torch_computes():
    said = plots.cross_entropy_curve().description
    for p in (0.01, 0.1, 0.55, 0.91):
        logits = torch.tensor([[p, 1 - p]]).log()
        assert f"{p:g} costs {cross_entropy(logits, torch.tensor([0])):.2f}" in said


# --- the steps of training ---


def test_steps_are_code_that_trains_in_the_order_that_is_drawn():
    torch.manual_seed(0)
    net, images, labels = torch.nn.Linear(4, 3), torch.randn(8, 4), torch.arange(8) % 3
    names = {"net": net, "images": images, "labels": labels, "F": torch.nn.functional}
    names["optimizer"] = torch.optim.SGD(net.parameters(), lr=0.5)
    code = [
        text.get_text()
        for text in plots.training_steps().axes[0].texts
        if text.get_family() == ["monospace"]
    ]
    losses = []
    for _ in range(5):
        for line in code:
            exec(line, names)
        losses.append(names["loss"].item())
    assert len(code) == 5 and losses == sorted(losses, reverse=True)


def test_words_of_the_steps_stand_free_inside_of_the_figure():
    figure = plots.training_steps()
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert all(figure.bbox.x0 < box.x0 and box.x1 < figure.bbox.x1 for box in boxes)
    assert not any(one.shrunk(0.98, 0.9).overlaps(other) for one, other in combinations(boxes, 2))


# --- the contest ---


def test_every_winner_stands_at_their_error_and_is_named_with_a_source():
    figure = plots.ilsvrc()
    years, errors = figure.axes[0].lines[0].get_data()
    assert [*zip(years, errors)] == [(year, error) for year, _, error, _ in WINNERS]
    for year, name, error, source in WINNERS:
        assert f"{year} {name}: {error:g} ({source})" in figure.description
        assert re.search(r"20\d\d", source)
    assert f"A dashed line at {HUMAN}" in figure.description


def test_names_of_winners_cover_each_other_at_no_year():
    figure = plots.ilsvrc()
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(Bbox.overlaps(one, other) for one, other in combinations(boxes, 2))


def test_errors_fall_year_by_year_and_pass_the_person_in_2015():
    errors = {year: error for year, _, error, _ in WINNERS}
    assert list(errors) == [*range(2010, 2018)] and sorted(errors.values(), reverse=True) == [
        *errors.values()
    ]
    assert errors[2014] > HUMAN > errors[2015]


@pytest.mark.parametrize("part", (3, (0, 6), slice(None, None, 2), slice(None, None, -1)))
def test_part_that_is_no_run_of_rows_is_refused_in_a_sentence(part):
    with pytest.raises(ValueError, match="slices without steps"):
        plots.pixels(torch.zeros(1, 6, 6), rows=part)


def test_numbers_of_an_array_are_written_and_what_is_no_picture_is_named():
    drawn = plots.pixels(torch.arange(4, dtype=torch.uint8).view(2, 2).numpy())
    assert "row 1: 2 3" in drawn.description
    with pytest.raises(ValueError, match="is a tensor, and this is a str"):
        plots.pixels("digit.png")
