"""Figures: each can be read without seeing it, and without seeing its colours."""

import base64
import copy
import io
import math
import warnings
from itertools import combinations

import numpy as np
import pytest
import torch
from helpers import tiny_dataset, tiny_net
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from torch import nn

from workshop_utils import (
    blocks_drawn,
    comparisons,
    data,
    diagrams,
    evaluation,
    explain,
    illustrations,
    models,
    plots,
)
from workshop_utils.data import ImageDataset
from workshop_utils.evaluation import Predictions
from workshop_utils.figure import counts_in_cells, drawable, sheet
from workshop_utils.models import blocks
from workshop_utils.training import History
from workshop_utils.ways import follow
from workshop_utils.widgets.confusion_matrix import matrix_figure

ABC = ("a", "b", "c")
BOX = data.imagenet.Box("tabby", 1, 2, 5, 8)


def predictions(said, true=(0, 1, 1, 2, 2, 2)):
    return evaluation.evaluate(Predictions(np.eye(3)[list(said)], list(true), ABC))


def history(loss=(2.0, 1.0), validation=(2.5, 1.5)):
    return History(
        len(loss), list(loss), [0.25, 0.75], list(validation), [0.2, 0.6][: len(validation)]
    )


# Every kind of figure from two different data.
def attending():
    torch.manual_seed(0)
    return models.small("vit", classes=3, channels=1, budget=5_000)


FIGURES = {
    "images": (
        lambda: plots.images(tiny_dataset(2)),
        lambda: plots.images(tiny_dataset(2, seed=1)),
    ),
    "curves": (lambda: plots.curves(history()), lambda: plots.curves(history(loss=(2.0, 0.5)))),
    "bars": (
        lambda: plots.bars({"one": 0.25, "two": 0.5}, "recall"),
        lambda: plots.bars({"one": 0.75, "two": 0.5}, "recall"),
    ),
    "runs": (
        lambda: plots.runs({"CNN": [0.5, 0.7]}, "accuracy"),
        lambda: plots.runs({"CNN": [0.5, 0.9]}, "accuracy"),
    ),
    "lines": (
        lambda: plots.lines({"plain": {8: [0.1, 0.2], 20: [0.3, 0.5]}}, "layers", "error"),
        lambda: plots.lines(
            {"plain": {8: [0.1, 0.2], 20: [0.3, 0.7]}}, "layers", "error", log=True
        ),
    ),
    "tradeoff": (
        lambda: plots.tradeoff({"A": (1, 0.5), "B": (9, 0.4)}, "cost", "score"),
        lambda: plots.tradeoff({"A": (1, 0.5), "B": (9, 0.6)}, "cost", "score"),
    ),
    "histogram": (
        lambda: plots.histogram([1, 2, 3, 4], "score", mark=2.5, interval=(1, 4)),
        lambda: plots.histogram([1, 2, 3, 9], "score", mark=2.5, interval=(1, 4)),
    ),
    "boxes": (
        lambda: plots.boxes(torch.zeros(3, 9, 9), [BOX]),
        lambda: plots.boxes(torch.zeros(3, 9, 9), [BOX._replace(xmax=7)]),
    ),
    "calibration": (
        lambda: plots.calibration(predictions([0, 1, 1, 2, 2, 0])),
        lambda: plots.calibration(predictions([0, 1, 1, 2, 2, 2])),
    ),
    "architecture": (
        lambda: plots.architecture("lenet", (1, 32, 32)),
        lambda: plots.architecture(nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2)), (1, 8, 8)),
    ),
    "block": (lambda: plots.block("resnet"), lambda: plots.block("senet")),
    "attention": (
        lambda: plots.attention(attending(), tiny_dataset(1)),
        lambda: plots.attention(attending(), tiny_dataset(1, seed=1)),
    ),
    "sizes": (
        lambda: plots.sizes(tiny_dataset(1), (8, 4)),
        lambda: plots.sizes(tiny_dataset(1, seed=1), (8, 4)),
    ),
    "dataset_card": (lambda: plots.dataset_card("mnist"), lambda: plots.dataset_card("photos")),
    "pixels": (
        lambda: plots.pixels(torch.zeros(9, 9)),
        lambda: plots.pixels(torch.ones(3, 6, 6)),
    ),
    "tree": (lambda: plots.tree("tabby"), lambda: plots.tree("jean")),
    "cross_entropy_curve": (plots.cross_entropy_curve,),  # the same for everybody
    "training_steps": (plots.training_steps,),
    "ilsvrc": (plots.ilsvrc,),
    "top_k": (
        lambda: plots.top_k(torch.zeros(1, 4, 4), [0.5, 0.3, 0.2], ABC, 2),
        lambda: plots.top_k(torch.zeros(1, 4, 4), [0.2, 0.3, 0.5], ABC, 2),
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_shows_a_png_and_says_in_words_what_is_in_it(name):
    figure = FIGURES[name][0]()
    picture, words = figure.bundles()
    assert (
        isinstance(figure, Figure)
        and len(figure.description) > 40
        and figure.title in picture["text/plain"]
    )
    assert base64.b64decode(picture["image/png"]).startswith(b"\x89PNG\r\n")
    assert "<summary>This figure in words</summary>" in words["text/html"]


@pytest.mark.parametrize("name", [name for name in FIGURES if len(FIGURES[name]) == 2])
def test_other_data_give_another_sentence_and_the_same_data_the_same(name):
    one, other = FIGURES[name]
    assert one().description != other().description and one().description == one().description


@pytest.mark.parametrize("name", FIGURES)
def test_same_data_give_the_same_picture_to_the_byte(name):
    assert FIGURES[name][0]().bundles() == FIGURES[name][0]().bundles()


def test_picture_has_the_pixels_that_savefig_stores():
    figure, axes = sheet("A layout, an image and words", (3, 2))
    axes.imshow(np.arange(12.0).reshape(3, 4))
    axes.set_title("a title at $5")
    figure.savefig(stored := io.BytesIO(), format="png")
    ours, theirs = (
        np.asarray(Image.open(raw).convert("RGB")) for raw in (io.BytesIO(figure.png()), stored)
    )
    assert np.array_equal(ours, theirs)


def test_all_public_figures_are_tested_here():
    drawers = {
        name
        for name, value in vars(plots).items()
        if callable(value)
        and getattr(value, "__module__", "")
        in [room.__name__ for room in (plots, comparisons, diagrams, blocks_drawn, illustrations)]
        and not name.startswith("_")
    }
    assert drawers - {"Figure", "live_curves"} <= set(FIGURES)


# --- what the sentences say ---


def test_curves_say_where_each_line_begins_and_ends():
    words = plots.curves(history()).description
    assert (
        "training loss goes from 2.000 to 1.000 in 2 epochs" in words
        and "validation accuracy goes from 0.200 to 0.600" in words
    )


def test_confusion_shows_every_count_that_is_not_zero():
    _, axes = sheet("Counts", (4, 4))
    found = predictions([0, 1, 1, 0, 0, 2])
    counts_in_cells(axes, found.confusion, ABC)
    shown = {(text.get_position(), text.get_text()) for text in axes.texts}
    assert shown == {
        ((0, 0), "1"),
        ((1, 1), "2"),
        ((0, 2), "2"),
        ((2, 2), "1"),
    }  # (predicted, true)


def test_bars_name_the_extremes_and_write_every_value():
    figure = plots.bars({"one": 0.25, "two": 0.5, "three": 0.125}, "recall")
    assert (
        "Most: two with 0.5" in figure.description
        and "fewest: three with 0.125" in figure.description
    )
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.25", "0.5", "0.125"]


def test_star_of_ones_own_run_is_drawn_and_said():
    figure = plots.runs({"CNN": [0.5, 0.7], "MLP": [0.4, 0.5]}, "accuracy", mark={"MLP": 0.45})
    assert figure.description.endswith("A star in the row MLP at 0.45: yours.")
    assert [
        line.get_xydata().tolist() for line in figure.axes[0].lines if line.get_marker() == "*"
    ] == [[[0.45, 1.0]]]


def test_lines_say_mean_and_range_at_every_place():
    words = plots.lines(
        {"plain": {8: [0.1, 0.3], 20: [0.5]}, "residual": {8: [0.2]}}, "layers", "error"
    ).description
    assert "plain: 0.2 at 8 (0.1 to 0.3), 0.5 at 20. residual: 0.2 at 8." in words


def test_tradeoff_joins_those_that_no_other_beats_in_both():
    words = plots.tradeoff(
        {"cheap": (1, 0.5), "dominated": (5, 0.4), "best": (9, 0.9)}, "cost", "score"
    ).description
    assert (
        "from the cheapest on: cheap 0.5 for 1; dominated 0.4 for 5; best 0.9 for 9." in words
        and words.endswith("better: cheap, best.")
    )


def test_arrow_leads_to_the_score_of_a_later_recipe_which_counts():
    points = {"old": (1, 0.5), "plain": (2, 0.6), "dear": (3, 0.55)}
    figure = plots.tradeoff(points, "cost", "score", later={"old": 0.7, "plain": None})
    arrows = [text for text in figure.axes[0].texts if text.arrow_patch and not text.get_text()]
    assert [(arrow.xy, arrow.xyann) for arrow in arrows] == [((1.0, 0.7), (1.0, 0.5))]
    assert "old 0.5, later 0.7, for 1; plain 0.6 for 2" in figure.description
    assert figure.description.endswith("better: old.")


def test_names_of_points_close_together_do_not_cover_each_other():
    axes = plots.tradeoff(
        {"resnet50": (4.1, 76), "resnext50": (4.2, 76.2), "seresnet50": (3.9, 76.1)},
        "cost",
        "score",
    ).axes[0]
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
    assert not any(
        one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[place + 1 :]
    )


def test_name_without_a_line_stands_nearest_to_its_own_point():
    points = {card.name: (card.parameters, card.top1) for card in models.catalog() if card.top1}
    axes = plots.tradeoff(points, "cost", "score").axes[0]
    at = {name: axes.transData.transform(point) for name, point in points.items()}
    lined = {tuple(text.xy) for text in axes.texts if not text.get_text()}
    for text in (text for text in axes.texts if text.get_text() and tuple(text.xy) not in lined):
        box = text.get_window_extent()
        away = {n: np.hypot(*(np.clip(p, box.min, box.max) - p)) for n, p in at.items()}
        assert away[text.get_text()] < 1.02 * min(
            far for name, far in away.items() if name != text.get_text()
        )


def test_runs_say_mean_and_range_of_every_method():
    words = plots.runs({"CNN": [0.5, 0.75], "MLP": [0.25, 0.25]}, "accuracy").description
    assert "CNN: mean 0.625, from 0.5 to 0.75 over 2 seeds" in words and "MLP: mean 0.25" in words


def test_top_k_lists_the_most_probable_and_stars_the_true_one():
    figure = plots.top_k(torch.zeros(1, 4, 4), [0.2, 0.3, 0.5], ABC, 2, true="b")
    assert figure.description == "A picture of b. The most probable classes: c 50.0 %, b 30.0 %."
    assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == ["c", "* b"]


def test_weights_that_learn_are_drawn_and_classes_may_be_numbers():
    filters = torch.nn.Conv2d(1, 4, 3).weight
    assert plots.images(filters).description == plots.images(filters.detach()).description
    assert "0 0.5, 1 0.7" in plots.bars({0: 0.5, 1: 0.7}, "recall").description


def test_images_name_their_classes_and_their_brightness():
    words = plots.images(tiny_dataset(1)).description
    assert (
        words.startswith("Pictures: 3 pictures in 1 row")
        and "a (1 x 8 x 8" in words
        and "c (1 x 8 x 8" in words
    )


def test_titles_may_be_numbers_and_one_picture_stands_alone():
    assert "2 (1 x 8 x 8" in plots.images(tiny_dataset(1), [0, 1, 2]).description
    assert "1 pictures" in plots.images(torch.zeros(8, 8), ["a"]).description
    with pytest.raises(ValueError, match="3 pictures need 3 titles; these are 2"):
        plots.images(tiny_dataset(1), ["a", "b"])
    with pytest.raises(ValueError, match="columns is 0: give a whole number, 1 or more"):
        plots.images(tiny_dataset(1), columns=0)


def test_places_of_lines_are_numbers():
    with pytest.raises(ValueError, match="'layers' takes numbers"):
        plots.lines({"plain": {"eight": [0.1]}}, "layers", "error")


@pytest.mark.parametrize(
    "picture",
    [
        torch.full((1, 4, 4), 100, dtype=torch.uint8),
        torch.full((4, 4), 100, dtype=torch.uint8),
        torch.full((3, 4, 4), 100, dtype=torch.uint8),
    ],
    ids=["1 channel", "no channel", "3 channels"],
)
def test_grey_bytes_are_drawn_as_they_are_and_not_stretched(picture):
    figure = plots.images([picture])
    drawn = (
        figure.axes[0]
        .images[0]
        .make_image(
            figure.canvas.get_renderer() if hasattr(figure.canvas, "get_renderer") else None,
            unsampled=True,
        )[0]
    )
    assert drawn[0, 0, :3].tolist() == [100, 100, 100]


def test_floats_are_stretched_from_their_lowest_to_their_highest():
    drawn = plots.images([torch.tensor([[-3.0, 0.0, 5.0]])]).axes[0].images[0].get_array()
    np.testing.assert_allclose(drawn[0, :, 0], [0, 3 / 8, 1])


def test_names_with_angle_brackets_do_not_become_html():
    dataset = tiny_dataset(1)
    dataset.classes = ("<b>", "b", "c")
    assert "&lt;b&gt;" in plots.images(dataset).bundles()[1]["text/html"]


# --- without colours ---


def test_lines_of_one_net_differ_by_their_dashes():
    for axes in plots.curves(history()).axes:
        assert len({line.get_linestyle() for line in axes.lines}) == len(axes.lines) == 2


def test_rows_of_runs_look_alike_for_their_names_tell_them_apart():
    drawn = plots.runs({"CNN": [0.5], "MLP": [0.5], "SVM": [0.5]}, "accuracy").axes[0].lines
    assert len({(line.get_marker(), line.get_color()) for line in drawn}) == 1


def test_lines_of_one_kind_share_colour_and_marker_and_differ_by_dash():
    names = ["sigmoid", "ReLU", "sigmoid, batch norm", "ReLU, batch norm", "ReLU, He"]
    lines = plots.lines({name: {1: [1.0], 2: [2.0]} for name in names}, "layer", "size")
    keys = {line.get_label(): line for line in lines.axes[0].lines if line.get_label() in names}
    look = {name: (one.get_color(), one.get_marker()) for name, one in keys.items()}
    assert len({look[name] for name in names if name.startswith("ReLU")}) == 1
    assert look["sigmoid"] == look["sigmoid, batch norm"] != look["ReLU"]
    assert look["sigmoid"][1] != look["ReLU"][1]
    whole = {(*look[name], one.get_linestyle()) for name, one in keys.items()}
    assert len(whole) == len(names)


# --- in a notebook ---


def test_live_curves_are_shown_once_and_then_updated(monkeypatch):
    shown, updated = [], []

    class Handle:
        def update(self, bundle, raw, metadata):
            updated.append(bundle)
            assert ("image/png" in metadata) == ("image/png" in bundle)

    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, **_: shown.append(bundle) or Handle()
    )
    draw = plots.live_curves()
    draw(history())
    draw(history(loss=(2.0, 0.5)))
    assert (
        len(shown) == len(updated) == 2
        and "to 0.500" in updated[1]["text/html"]
        and "to 1.000" in shown[1]["text/html"]
    )


@pytest.fixture
def cell(monkeypatch):
    """Says which cell runs, and for which time."""
    now = ["one", 1]
    monkeypatch.setattr(illustrations, "running", lambda: tuple(now))
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: None)
    drawn = []
    real = illustrations.curves
    monkeypatch.setattr(
        illustrations, "curves", lambda *a, **k: drawn.append(real(*a, **k)) or drawn[-1]
    )
    return now, drawn


def greys(figure) -> int:
    return sum(
        line.get_color() == "#BBBBBB" and len(line.get_xdata()) > 0 for line in figure.axes[0].lines
    )


def test_earlier_runs_of_a_cell_stay_in_grey_and_other_cells_are_not_mixed_in(cell):
    now, drawn = cell
    plots.live_curves()(history())
    plots.live_curves()(history())  # the same run of the cell trains two nets
    assert [greys(figure) for figure in drawn] == [0, 0]
    now[1] = 2
    draw = plots.live_curves()
    draw(history(loss=(3.0, 2.5)))
    draw(history(loss=(3.0, 2.5)))
    assert [greys(figure) for figure in drawn[2:]] == [4, 4]  # training and validation
    assert "in grey earlier runs, to training accuracy 0.750, 0.750" in drawn[-1].description
    now[:] = ["another", 3]
    plots.live_curves()(history())
    assert greys(drawn[-1]) == 0


def test_axes_of_live_curves_do_not_jump_while_epochs_are_added(cell):
    draw, grows = plots.live_curves(), History(epochs=4)
    for value in (2.0, 1.0, 0.9, 0.8):
        grows.loss.append(value)
        grows.accuracy.append(1 / (1 + value))
        draw(grows)
    _, drawn = cell
    limits = [[(*axes.get_xlim(), *axes.get_ylim()) for axes in figure.axes] for figure in drawn]
    assert limits == [limits[0]] * 4 and limits[0][0][:3] == (0.5, 4.5, 0.0)


@pytest.mark.parametrize("name", ("pathmnist", "sign-mnist", "mnist"))
def test_card_of_a_set_has_its_facts_sentence_and_source_in_the_picture(
    name, tmp_path, monkeypatch
):
    monkeypatch.setenv("WORKSHOP_DATA", str(tmp_path))
    figure, found = plots.dataset_card(name), data.gallery(name)
    shown = " ".join(figure.get_supxlabel().split())
    for words in (data.card(name).how, found.note, found.source):
        assert words in shown and words in figure.description
    assert sum(len(axes.images) for axes in figure.axes) == len(found.pictures)
    assert list(tmp_path.iterdir()) == []


def test_card_of_a_set_that_is_here_shows_two_pictures_a_class():
    figure = plots.dataset_card("fashion-mnist")
    names = [text.get_text() for text in figure.axes[0].texts]
    assert names == [*data.card("fashion-mnist").classes] * 2


def test_cards_have_letters_of_12_points_and_none_over_another():
    for name in ("imagenet", "medical-mnist"):
        figure = plots.dataset_card(name)
        figure.draw_without_rendering()
        under = [text for text in figure.texts if text.get_text() == figure.get_supxlabel()]
        texts = under + [text for axes in figure.axes for text in axes.texts]
        boxes = [text.get_window_extent() for text in texts]
        assert min(text.get_fontsize() for text in texts) >= 12
        assert not [one for one, other in combinations(boxes, 2) if one.overlaps(other)], name
        assert all(box.x0 >= -2 and box.x1 <= 1102 and box.y0 >= -2 for box in boxes), name


def test_sizes_average_the_pixels_and_say_how_much_variance_is_left():
    half = torch.tensor([[0, 0], [200, 200]]).repeat_interleave(2, 0).repeat_interleave(2, 1)
    stripes = torch.tensor([[0, 200] * 2] * 4)
    figure = plots.sizes(torch.stack([half, stripes])[:, None].to(torch.uint8), (4, 2))
    drawn = [image.get_array()[..., 0].tolist() for image in figure.axes[0].images]
    assert drawn[1] == [[0, 0], [200, 200]] and drawn[3] == [[100, 100]] * 2
    assert "4 x 4, 2 x 2 pixels" in figure.description and "; 100, 0:" in figure.description


def test_sizes_of_one_grey_have_no_variance_and_one_side_needs_no_list():
    words = plots.sizes(torch.full((1, 1, 8, 8), 7, dtype=torch.uint8), 4).description
    assert "their variance is 0:" in words and "nan" not in words


@pytest.mark.parametrize("name", ("pathmnist", "mnist"))
def test_card_names_the_command_that_loads_the_set_once(name, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKSHOP_DATA", str(tmp_path))
    assert plots.dataset_card(name).description.count("data.load(") == 1


def test_sizes_invent_no_pixels():
    with pytest.raises(ValueError, match="have 8 pixels a side. Give sides from 1 to 8"):
        plots.sizes(tiny_dataset(1), (9, 4))
    for none in (
        (tiny_dataset(1).subset([]), (4,)),
        (tiny_dataset(1), ()),
        (torch.ones(3, 8, 8), (4,)),
    ):
        with pytest.raises(ValueError, match="for 1 to 200 tiles"):
            plots.sizes(*none)
    with pytest.raises(ValueError, match="Pictures come as an ImageDataset, and this is a str"):
        plots.sizes("photos")


def test_no_pictures_are_answered_with_a_sentence():
    with pytest.raises(ValueError, match="no pictures to show"):
        plots.images([])


def test_histogram_says_its_middle_mark_and_interval():
    words = plots.histogram(range(101), "accuracy in %", mark=87.5, interval=(80, 90)).description
    assert (
        "the middle one is 50, 95 % lie from 2.5 to 97.5" in words
        and "Framed: 80 to 90. The dashed line is at 87.5." in words
    )


def test_histograms_legend_names_its_line_and_interval_and_is_absent_without_a_name():
    named = plots.histogram(range(101), "accuracy", mark={"LeNet": 87.5}, interval=(80, 90))
    said = [text.get_text() for text in named.axes[0].get_legend().get_texts()]
    assert said == ["95 % interval", "LeNet"]
    assert "The dashed line, LeNet, is at 87.5." in named.description
    assert plots.histogram(range(101), "accuracy", mark=87.5).axes[0].get_legend() is None


def test_boxes_are_numbered_and_named_with_their_pixels():
    assert (
        "1: tabby, columns 1 to 5, rows 2 to 8."
        in plots.boxes(torch.zeros(3, 9, 9), [BOX]).description
    )


def test_calibration_says_how_many_of_how_sure_are_right():
    assert (
        "6 pictures with a mean confidence of 100%: 83% are right."
        in plots.calibration(predictions([0, 1, 1, 2, 2, 0])).description
    )


# --- diagrams ---


@pytest.mark.parametrize("card", models.catalog(), ids=lambda card: card.name)
def test_row_of_a_net_has_as_many_layers_as_its_card_says(card):
    with torch.device("meta"):
        net = models.build(card.name, classes=7)
        way = follow(net, torch.zeros(3, card.pixels, card.pixels))
    assert way.layers == card.layers and way.groups[-1].shape[0] == 7
    assert len(way.groups) <= 12


def require_readable(figure, letters):
    """Nothing stands aslant, is cut or covers other words, and all letters have this many points or more."""
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.axes.axison is False]
    texts = [text for text in texts if text in text.axes.texts]
    boxes = [text.get_window_extent().shrunk(0.98, 0.9) for text in texts]
    for place, (text, box) in enumerate(zip(texts, boxes)):
        words = text.get_text()
        assert text.get_rotation() == 0 and text.get_fontsize() >= letters, words
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1, words
        assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1, words
        covered = [texts[n].get_text() for n in range(place) if box.overlaps(boxes[n])]
        assert not covered, f"{words} covers {covered}"
    return texts


def require_drawn(name):
    card, figure = models.card(name), plots.architecture(name)
    words = "\n".join(text.get_text() for text in require_readable(figure, 12))
    channels, scores = (1, "10") if card.pixels < 64 else (3, "1,000")
    begins = f"{card.title} as a row of slabs, from a picture of {channels} x"
    assert figure.description.startswith(begins)
    assert f"{card.layers} layers with weights" in words and f"{scores} scores" in words
    assert len(figure.axes[0].images) == 1  # the picture that goes in


@pytest.mark.parametrize("name", ["lenet", "vgg19", "resnet152", "densenet121"])
def test_net_is_drawn_with_its_picture_and_words_that_cover_nothing(name):
    require_drawn(name)


@pytest.mark.slow
@pytest.mark.parametrize("card", models.catalog(), ids=lambda card: card.name)
def test_every_architecture_is_drawn(card):
    require_drawn(card.name)


def test_skip_connections_are_found_and_counted():
    for name, skips in {"resnet50": 16, "densenet121": 58, "small_resnet": 3, "vgg16": 0}.items():
        with torch.device("meta"):
            side = models.card(name).pixels
            way = follow(models.build(name, classes=2), torch.zeros(3, side, side))
        assert sum(group.skips for group in way.groups) == skips and not way.arcs, name


def test_blocks_of_transformers_are_found_and_their_attention_counts_as_two_layers():
    for name, blocks_of_it in {"vit_b_16": [12], "swin_t": [2, 2, 6, 2]}.items():
        with torch.device("meta"):
            way = follow(models.build(name, classes=2), torch.zeros(3, 224, 224))
        found = [one for one in way.groups if one.kind == "attention"]
        assert [one.times for one in found] == blocks_of_it and not way.arcs and not way.left_out
        assert all(one.texts[0] == "attention" and len(one.texts) == 3 for one in found)
    way = follow(models.small("vit", classes=3, channels=1), torch.zeros(1, 28, 28))
    assert way.layers == 14 and [one.pieces for one in way.groups] == [1, 3, 1, 1]


def test_weights_of_maps_are_beside_the_row_and_said_to_be():
    net = models.small("senet", classes=3, budget=9_000)
    way = follow(net, torch.zeros(3, 16, 16))
    assert way.layers == 8 and way.left_out.startswith("3 pooling layers on branches, ")


def test_trained_net_shows_what_its_layers_made_of_the_picture_and_its_answer():
    net, digit = models.ready("lenet-mnist"), data.load("mnist", "test").subset([301])
    figure = plots.architecture(net, image=digit)
    texts = [text.get_text() for text in require_readable(figure, 12)]
    shares = evaluation.predict(net, digit).probabilities[0]
    first = digit.classes[shares.argmax()]
    assert f"The answer: {first} {shares.max():.0%}" in figure.description
    assert first in texts and f"{shares.max():.0%}" in texts
    read = (digit[0][0] / 255 - digit.mean.view(-1, 1, 1)) / digit.std.view(-1, 1, 1)
    shown = [image.get_array() for image in figure.axes[0].images]
    for place, layer in enumerate(["2", "3", "5", "6"], 1):  # after activation, and pooled
        maps = explain.feature_maps(net, read, layer)
        varied = maps[maps.flatten(1).std(1).argmax()]
        np.testing.assert_allclose(shown[place], drawable(varied), atol=1e-5)


def test_net_with_preprocessing_sees_a_photograph_and_names_classes_of_its_own():
    net = models.build("small_vgg", classes=2).eval()
    net.preprocess = models.preprocessing(resize=16, crop=16, mean=[0.5] * 3, std=[0.5] * 3)
    net.classes = ["cup", "no cup"]
    figure = plots.architecture(net)
    assert "from a picture of 3 x 16 x 16" in figure.description
    assert {"cup", "no cup"} <= {text.get_text() for text in require_readable(figure, 12)}


class Branches(nn.Module):
    """Down, and up again with a connection across, and weights of a kind that has no place in a row."""

    def __init__(self):
        super().__init__()
        self.down, self.deep = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
        self.up, self.memory = nn.Conv2d(24, 2, 1), nn.LSTM(4, 4)

    def forward(self, x):
        down = self.down(x).relu()
        deep = nn.functional.interpolate(
            self.deep(nn.functional.max_pool2d(down, 2)), scale_factor=2
        )
        return {"maps": self.up(torch.cat([deep, down], 1))}


def test_what_has_no_place_in_a_row_is_said_and_the_rest_is_drawn():
    figure = plots.architecture(Branches(), (3, 32, 32))
    require_readable(figure, 12)
    said = "conv (3x3) to 8 x 32 x 32; pool to 8 x 16 x 16; conv (3x3) to 16 x 16 x 16; conv (1x1)"
    assert said in figure.description and "1 skip connection (arcs)" in figure.description
    assert "Not drawn: LSTM." in figure.description
    nothing = plots.architecture(nn.ReLU(), (1, 8, 8)).description
    assert "no convolution, pooling or dense layer" in nothing


def test_net_of_ones_own_is_drawn_from_its_modules():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3))
    words = plots.architecture(net, (1, 8, 8)).description
    row = "from a picture of 1 x 8 x 8 on: conv (3x3) to 4 x 6 x 6; pool to 4 x 3 x 3; dense to 3"
    assert row in words and "2 layers with weights in the row, 151 parameters" in words
    with pytest.raises(ValueError, match=r"plots.architecture\(net, \(1, 28, 28\)\)"):
        plots.architecture(net)
    with pytest.raises(ValueError, match="Pictures must be uint8"):
        plots.architecture(net, image=torch.zeros(1, 8, 8))
    with pytest.raises(ValueError, match="cannot read pictures of shape"):
        plots.architecture(net, (3, 8, 8))


class Moody(nn.Module):
    """Whose statistics, dropout, gradients and frozen part a drawing could change."""

    def __init__(self):
        super().__init__()
        self.maps, self.norm, self.drop = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout()
        self.scores, self.factor = nn.Linear(4, 3), 1.0

    def forward(self, x):
        return self.scores(self.drop(self.norm(self.maps(x))).mean((2, 3))) * self.factor


def test_drawing_leaves_a_net_as_it_was():
    net, image = Moody().train(), torch.full((1, 8, 8), 9, dtype=torch.uint8)
    net.norm.eval()
    net(torch.randn(2, 1, 8, 8)).sum().backward()
    kept = copy.deepcopy(net.state_dict())
    grads = [weight.grad.clone() for weight in net.parameters()]
    plots.architecture(net, image=image)  # what runs once only may draw random numbers
    drawn = torch.get_rng_state()
    for what in ({"shape": (1, 8, 8)}, {"image": image}):
        plots.architecture(net, **what)
        assert torch.equal(torch.get_rng_state(), drawn)
        assert all(torch.equal(net.state_dict()[name], one) for name, one in kept.items())
        assert all(torch.equal(w.grad, one) for w, one in zip(net.parameters(), grads))
        assert net.training and net.drop.training and not net.norm.training


def test_answer_that_is_no_number_is_said_and_the_net_is_drawn():
    net, image = Moody(), torch.full((1, 8, 8), 9, dtype=torch.uint8)
    net.factor = math.nan
    figure = plots.architecture(net, image=image)
    assert "It answers with NaN, no number." in figure.description
    assert "nan%" not in figure.description and len(figure.axes[0].images) > 1


def test_net_that_keeps_maps_of_the_last_picture_is_drawn_again():
    class Remembers(nn.Module):
        def __init__(self):
            super().__init__()
            self.maps, self.last = nn.Conv2d(1, 4, 3), torch.zeros(1, 4, 6, 6)

        def forward(self, x):
            given, self.last = self.maps(x) + self.last, self.maps(x)
            return given

    net = Remembers()
    for _ in range(2):
        words = plots.architecture(net, (1, 8, 8)).description
        assert "conv (3x3) to 4 x 6 x 6. Remembers: 1 layer with weights in the row" in words


def test_long_name_of_a_class_keeps_its_beginning():
    net, image = Moody(), torch.full((1, 8, 8), 9, dtype=torch.uint8)
    net.classes = ["fish_or_shellfish_of_the_sea", "fish", "a\nb"]
    texts = [text.get_text() for text in plots.architecture(net, image=image).axes[0].texts]
    assert {"fish_or_shellfish ...", "fish", "a b"} <= {*texts}


@pytest.mark.parametrize("shape", (28, "28", (28, 28), (1, 1, 28, 28), (1, 0, 28), (1, 28.0, 28)))
def test_shape_that_no_picture_has_is_refused_in_a_sentence(shape):
    with pytest.raises(ValueError, match="shape is .*: give channels, height, width"):
        plots.architecture(nn.Flatten(), shape)


def test_what_is_no_net_or_shows_no_picture_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="3 is no net: give a name"):
        plots.architecture(3, (1, 8, 8))
    with pytest.raises(ValueError, match="nothing to draw: 'image'"):
        plots.architecture(nn.Flatten(), image=tiny_dataset(1).subset([]))


def test_connection_around_a_part_of_a_group_needs_no_arc():
    """Of a net with more blocks than groups some connections begin and end in one of them."""
    with torch.device("meta"):
        halves = [nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.Upsample(size=(7, 7))]
        around = blocks.Residual(8, 8, nn.Sequential(*halves))
        net = nn.Sequential(*halves, *[copy.deepcopy(around) for _ in range(14)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        words = plots.architecture(net, (8, 7, 7)).description
    assert "14 skip connections. " in words  # none of them drawn


@pytest.mark.parametrize("maps", (0, -8, 6, 2.5, "64"))
def test_block_of_maps_that_do_not_fit_its_groups_is_refused_in_a_sentence(maps):
    with pytest.raises(ValueError, match="maps is .*: g"):
        plots.block("resnext", maps)


@pytest.mark.parametrize("idea", models.IDEAS)
def test_block_fills_its_figure_with_letters_that_can_be_read(idea):
    figure = plots.block(idea)
    require_readable(figure, 14)
    drawn = figure.axes[0].get_tightbbox()
    assert figure.get_figwidth() == 11.6 and drawn.width > 0.95 * figure.bbox.width
    assert drawn.height > 0.8 * figure.bbox.height
    assert f"The block of {idea}, from left to right: 64 maps come in" in figure.description


@pytest.mark.parametrize("draw", [plots.architecture, plots.block])
def test_misspelt_diagram_is_answered_with_the_nearest(draw):
    with pytest.raises(ValueError, match="Did you mean"):
        draw("densnet")


def test_attention_draws_the_weights_of_the_patch_that_asks():
    net, pictures = attending(), tiny_dataset(1)  # of 8 x 8 pixels: 2 x 2 patches
    figure = plots.block(net, image=pictures.subset([0]))
    read, _ = next(iter(data.Batches(pictures.subset([0]), 1, device="cpu")))
    layers = explain.attention(net, read[0])
    place = pictures.images[0, 0].float().unfold(0, 4, 4).unfold(1, 4, 4).flatten(2).std(-1)
    asks = int(place.argmax())
    for axes, weights in zip(figure.axes[1:4], layers, strict=True):
        torch.testing.assert_close(weights.sum(1), torch.ones(4))
        np.testing.assert_allclose(axes.images[0].get_array(), weights[asks].view(2, 2))
        assert axes.patches[0].get_xy() == (asks % 2, asks // 2)
    assert f"The patch in row {asks // 2 + 1}, column {asks % 2 + 1}, framed" in figure.description
    assert "cut into 2 x 2 patches of 4 x 4 pixels" in figure.description
    assert "add up to 1. block 1: " in figure.description


class OwnTransformer(nn.Module):
    """As a reader writes it: patches, torch's own layer, and a branch beside it."""

    def __init__(self):
        super().__init__()
        self.cut, self.beside = nn.Conv2d(1, 8, 4, stride=4), nn.Linear(8, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.own = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = self.cut(x).flatten(2).transpose(1, 2)
        beside = self.beside(x)
        x = self.layer(x) + beside
        return self.head(self.own(query=x, key=x, value=x)[0].mean(1))


def test_attention_of_a_net_of_ones_own_is_found_and_drawn():
    torch.manual_seed(0)
    net, pictures = OwnTransformer(), tiny_dataset(1)
    assert [tuple(one.shape) for one in explain.attention(net, torch.zeros(1, 8, 8))] == [
        (4, 4)
    ] * 2
    assert "block 2" in plots.attention(net, pictures).description
    way = follow(net, torch.zeros(1, 8, 8))
    assert way.layers == 1 + 4 + 2 + 1 and "1 dense layer on branches" in way.left_out


def test_attention_of_a_net_that_has_none_or_over_no_square_is_refused():
    with pytest.raises(ValueError, match="no nn.MultiheadAttention"):
        plots.attention(tiny_net(), tiny_dataset(1))
    with pytest.raises(ValueError, match="6 places are no square of patches"):
        plots.attention(attending(), torch.zeros(1, 8, 12, dtype=torch.uint8))
    with pytest.raises(ValueError, match="Give the name of an idea; or a net with attention"):
        plots.block("vit", image=tiny_dataset(1))


# --- values that are no numbers ---

NAN, INF = float("nan"), float("inf")
NUMBERS = {
    "bars": lambda value: plots.bars({"A": value, "B": 1.0}, "loss"),
    "runs": lambda value: plots.runs({"A": [value, 0.5], "B": [0.3, 0.4]}, "loss"),
    "lines": lambda value: plots.lines({"A": {1: [value, 0.5], 2: [0.7]}}, "layers", "loss"),
    "log": lambda value: plots.lines({"A": {1: [value], 2: [0.7]}}, "layers", "loss", log=True),
    "tradeoff": lambda value: plots.tradeoff({"A": (value, 0.5), "B": (2, 0.4)}, "cost", "score"),
    "histogram": lambda value: plots.histogram([value, 1.0, 2.0], "loss"),
    "top_k": lambda value: plots.top_k(torch.zeros(1, 4, 4), [value, 0.3, 0.2], ABC),
    "curves": lambda value: plots.curves(history(loss=(1.0, value or 0.0))),
    "images": lambda value: plots.images([torch.tensor([[value or 0.0, 1.0], [2.0, 3.0]])]),
}


@pytest.mark.parametrize("value", [NAN, INF, -INF, -2.0, 0.0, None])
@pytest.mark.parametrize("name", NUMBERS)
def test_value_that_is_no_number_or_not_above_zero_is_drawn_or_left_out_and_said(name, value):
    figure = NUMBERS[name](value)
    assert figure.png().startswith(b"\x89PNG") and len(figure.description) > 40


@pytest.mark.parametrize(
    "figure, words",
    [
        (lambda: NUMBERS["bars"](NAN), "A NaN, B 1. All 1 have 1. Not a finite number: A."),
        (lambda: NUMBERS["bars"](-INF), "A -infinity"),
        (lambda: NUMBERS["runs"](NAN), "A: mean NaN, from 0.5 to 0.5 and 1 NaN or infinite over 2"),
        (lambda: NUMBERS["tradeoff"](0.0), "Left out, for want of a number: A."),
        (lambda: NUMBERS["histogram"](NAN), "Left out: 1 that are NaN or infinite."),
        (lambda: NUMBERS["images"](NAN), "values 1 to 3 and 1 NaN or infinite, mean NaN"),
        (lambda: plots.curves(History(3)), "No epoch was finished"),
    ],
)
def test_sentence_names_what_is_no_number(figure, words):
    assert words in figure().description


@pytest.mark.parametrize("given", [[[0.5, 0.3]], "half"])
def test_lists_or_text_instead_of_numbers_are_answered_with_a_sentence(given):
    with pytest.raises(ValueError, match="'CNN' takes numbers, one by one, and not"):
        plots.runs({"CNN": given}, "accuracy")


@pytest.mark.parametrize("values", [(-3.0, -1.0), (-1.0, 2.0), (0.0, 0.0), (1.0, 2.0)])
def test_every_bar_lies_within_the_axes(values):
    axes = plots.bars(dict(zip("AB", values)), "gain").axes[0]
    low, high = axes.get_xlim()
    assert low <= min(values) and max(values) < high


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.bars({}, "loss"),
        lambda: plots.runs({}, "loss"),
        lambda: plots.runs({"loss": []}, "accuracy"),
        lambda: plots.lines({}, "layers", "loss"),
        lambda: plots.lines({"loss": {}}, "layers", "accuracy"),
        lambda: plots.histogram([], "loss"),
        lambda: plots.histogram([NAN, NAN], "loss"),
        lambda: plots.tradeoff({"A": (0, 1)}, "cost", "loss"),
    ],
)
def test_nothing_to_draw_is_answered_with_what_has_no_values(draw):
    with pytest.raises(ValueError, match="nothing to draw: '.*loss.*' has no value"):
        draw()


@pytest.mark.parametrize("shape", [(2, 4, 4), (3, 0, 4), (1, 3, 4, 4)])
def test_tensor_that_is_no_picture_is_refused_with_its_shape(shape):
    with pytest.raises(ValueError, match="1, 3 or 4 channels; this one is"):
        plots.images([torch.zeros(shape)])


def test_probabilities_that_could_still_learn_are_drawn():
    said = torch.tensor([0.2, 0.3, 0.5], requires_grad=True)
    assert "c 50.0 %" in plots.top_k(torch.zeros(1, 4, 4), said, ABC).description


def test_net_of_the_catalogue_knows_the_size_of_its_picture():
    net = models.build("lenet", classes=10, channels=1)
    assert "from a picture of 1 x 32 x 32 on" in plots.architecture(net).description


# --- names of any kind ---

NAMES = {
    "formula": ("a$$ap", "$\\frac$"),
    "prices": ("$1 bill", "$5 bill"),
    "signs": ("<b>x</b>", "a_b^c\\d"),
    "two lines": ("two\nlines", "x"),
    "right to left": ("قطة", "חתול"),
    "long": ("w" * 200, "v" * 200),
}


def named(one, other):
    """Every figure that shows names of a user."""
    classes = [one, other]
    dataset = ImageDataset(tiny_dataset(2).images, [0, 1] * 3, classes, name="set")
    result = evaluation.evaluate(Predictions(np.eye(2)[[0, 1, 0, 1]], [0, 1, 1, 0], classes))
    yield plots.images(dataset)
    yield matrix_figure(result, dataset, true=one, said=other)
    yield plots.bars({one: 1.0, other: 2.0}, one)
    yield plots.runs({one: [1.0, 2.0], other: [2.0]}, other, mark={one: 1.5})
    yield plots.lines({one: {8: [0.1]}, other: {8: [0.2]}}, "x", "y", log=True)
    yield plots.tradeoff({one: (1, 0.5), other: (9, 0.6)}, "x", "y")
    yield plots.top_k(torch.zeros(1, 4, 4), [0.6, 0.4], classes, 2, true=one)
    yield plots.boxes(torch.zeros(3, 9, 9), [data.imagenet.Box(one, 1, 2, 5, 8)], "boxes")


@pytest.mark.parametrize("kind", NAMES)
def test_any_name_is_drawn_as_it_is_written(kind, recwarn):
    for figure in named(*NAMES[kind]):
        assert figure.png() and not recwarn, figure.title
        formulas = {text.get_text() for text in figure.findobj(Text) if text.get_parse_math()}
        assert not formulas & {*NAMES[kind]}


def test_title_of_several_lines_is_drawn_whole_and_only_a_long_line_is_cut():
    title = "cocker spaniel\nit says: English springer\nnot in the first five"
    figure = plots.images([torch.zeros(4, 4)] * 2, [title, f"a\n{'w' * 200}"])
    whole, cut = (text.get_text() for text in figure.axes[0].texts)
    assert whole == title and cut == f"a\n{'w' * 28} ... {'w' * 7}"


def test_powers_of_ten_on_a_logarithmic_axis_stay_formulas():
    figure = plots.lines({"a": {1: [1.0], 2: [1000.0]}}, "x", "y", log=True)
    figure.png()
    assert any(label.get_parse_math() for label in figure.axes[0].get_yticklabels())


def test_letters_that_no_font_has_are_said_once_and_drawn_as_boxes(capsys, recwarn):
    for _ in range(2):
        plots.bars({"\U0001fffe\u0378a": 1.0, "\U000e01f0": 2.0, "\u2fe0": 1.0}, "x").png()
    assert capsys.readouterr().out.count("No font here has the letters") <= 1 and not recwarn


def test_of_many_pictures_the_first_200_are_drawn_and_it_is_said(capsys, monkeypatch):
    monkeypatch.setattr(plots, "PICTURES_AT_MOST", 4)
    figure = plots.images(tiny_dataset(2))
    assert len(figure.axes[0].images) == 4
    assert figure.description.startswith("Pictures, the first 4 of 6: 4 pictures in 1 row")
    assert "Pictures, the first 4 of 6" in capsys.readouterr().out


def test_part_that_torch_splits_off_is_shown_with_its_names():
    part = torch.utils.data.Subset(tiny_dataset(2), [1])
    assert (
        "1 pictures in 1 row. From left to right, top to bottom: b ("
        in plots.images(part).description
    )
