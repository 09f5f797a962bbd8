"""Looking inside: maps are what the layers give, and Grad-CAM is what its paper says."""

import pytest
import torch
import torch.nn.functional as F
from helpers import tiny_net
from torch import nn

from workshop_utils import explain, models


def picture(channels=1, side=28):
    return torch.randn(channels, side, side, generator=torch.Generator().manual_seed(0))


def by_the_paper(maps_part: nn.Module, rest: nn.Module, image, target):
    """Equations 1 and 2, with plain autograd through a net that is cut by hand."""
    maps = maps_part(image[None]).detach().requires_grad_()
    rest(maps)[0, target].backward()
    weights = maps.grad.sum((2, 3)) / maps[0, 0].numel()
    heat = F.relu((weights[0, :, None, None] * maps[0]).sum(0)).detach()
    heat = F.interpolate(heat[None, None], image.shape[1:], mode="bilinear", align_corners=False)[
        0, 0
    ]
    return heat / heat.max() if heat.max() > 0 else heat


def test_maps_are_what_the_cut_net_gives():
    net = models.build("lenet", classes=10, channels=1)
    torch.testing.assert_close(
        explain.feature_maps(net, picture(), "4"), net[:5](picture()[None])[0].detach()
    )


def test_activation_in_place_does_not_rewrite_the_map():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.LazyLinear(2))
    assert (explain.feature_maps(net, picture(), "0") < 0).any()


@pytest.mark.parametrize(
    "layer, words", [("nine", "has no layer 'nine'"), ("12", "no maps of height and width")]
)
def test_layer_without_maps_is_answered_with_a_sentence(layer, words):
    with pytest.raises(ValueError, match=words):
        explain.feature_maps(models.build("lenet", classes=10, channels=1), picture(), layer)


@pytest.mark.parametrize("target", range(3))
def test_grad_cam_agrees_with_the_papers_equations(target):
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.ReLU(),
        nn.Conv2d(4, 6, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    ).eval()
    torch.testing.assert_close(
        explain.grad_cam(net, picture(), target),
        by_the_paper(net[:4], net[4:], picture(), target),
        atol=1e-5,
        rtol=1e-4,
    )


def test_layer_that_runs_twice_is_weighed_where_it_ran_last():
    relu = nn.ReLU()
    rest = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), relu, nn.Conv2d(4, 4, 3), relu, *rest).eval()
    torch.testing.assert_close(
        explain.grad_cam(net, picture(), 1, layer="1"),
        by_the_paper(net[:4], net[4:], picture(), 1),
        atol=1e-5,
        rtol=1e-4,
    )


def test_layer_that_never_runs_is_refused():
    net = tiny_net()
    net[2].spare = nn.ReLU()
    with pytest.raises(ValueError, match="Layer '2.spare' gives nothing for a picture"):
        explain.grad_cam(net, picture(side=12), 0, layer="2.spare")


def test_bright_spot_that_makes_the_score_is_found():
    net = nn.Sequential(
        nn.Conv2d(1, 1, 3, padding=1, bias=False),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(1, 2),
    )
    nn.init.ones_(net[0].weight), net[4].weight.data.copy_(torch.tensor([[1.0], [-1.0]]))
    image = torch.zeros(1, 12, 12)
    image[0, 2, 9] = 1
    heat = explain.grad_cam(net, image, 0)
    assert heat.shape == (12, 12) and heat[2, 9] == heat.max() == 1 and heat[8:].max() == 0
    assert not explain.grad_cam(net, image, 1).any()  # nothing speaks for the other class


def test_net_is_left_as_it_was():
    net = tiny_net().train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    explain.grad_cam(net, picture(side=12), 1)
    assert all(part.training for part in net.modules()) and all(
        parameter.grad is None for parameter in net.parameters()
    )
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert not any(part._forward_hooks for part in net.modules())


def test_frozen_net_and_inference_around_it_give_a_map_all_the_same():
    net = tiny_net().requires_grad_(False)
    with torch.no_grad():
        assert explain.grad_cam(net, picture(side=12), 0).shape == (12, 12)


@pytest.mark.parametrize(
    "name, channels, side",
    [
        ("lenet", 1, 28),
        ("small_resnet", 1, 28),
        ("resnet18", 3, 64),
        ("vgg16", 3, 64),
        ("efficientnet_lite0", 3, 64),
    ],
)
def test_every_kind_of_net_can_be_looked_into(name, channels, side):
    heat = explain.grad_cam(
        models.build(name, classes=5, channels=channels), picture(channels, side), 3
    )
    assert heat.shape == (side, side) and 0 <= heat.min() <= heat.max() <= 1


@pytest.mark.parametrize("target", [-1, 3])
def test_class_that_does_not_exist_is_refused(target):
    with pytest.raises(ValueError, match="classes 0 to 2"):
        explain.grad_cam(tiny_net(), picture(side=12), target)


@pytest.mark.parametrize("layer", ["nine", "5"])
def test_layer_that_cannot_be_weighed_is_refused(layer):
    with pytest.raises(ValueError, match=f"ayer '{layer}'"):
        explain.grad_cam(tiny_net(), picture(side=12), 0, layer=layer)


def test_net_without_maps_is_refused():
    with pytest.raises(ValueError, match="no convolution"):
        explain.grad_cam(nn.Sequential(nn.Flatten(), nn.Linear(784, 2)), picture(), 0)


# --- nets of one's own ---


class Tutorial(nn.Module):
    """One pool and one ReLU for all layers, as tutorials have it; names: another way to write the same net."""

    def __init__(self, *, shared=True):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3)
        self.dense, self.scores = nn.Linear(150, 20), nn.Linear(20, 3)
        self.pool, self.relu = nn.MaxPool2d(2), nn.ReLU()
        self.relu_2 = self.relu if shared else nn.ReLU()
        self.relu_3 = self.relu if shared else nn.ReLU()

    def forward(self, x):
        x = self.pool(self.relu(self.first(x)))
        x = self.pool(self.relu_2(self.second(x)))
        return self.scores(self.relu_3(self.dense(x.flatten(1))))


@pytest.mark.parametrize("layer", [None, "relu_2", "second"])
def test_one_activation_for_all_layers_gives_the_same_heat_as_one_for_each(layer):
    one, each = (
        explain.grad_cam(Tutorial(shared=shared), picture(), 1, layer=layer)
        for shared in (True, False)
    )
    assert torch.equal(one, each) and one.any()


def test_grad_cam_weighs_the_maps_of_the_last_convolution_and_not_what_pools_them():
    assert explain.last_layer_with_maps(Tutorial(shared=False), picture()) == "relu_2"
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.MaxPool2d(2))
    net.extend([nn.Upsample(scale_factor=3), nn.Flatten(), nn.LazyLinear(2)])
    assert explain.last_layer_with_maps(net, picture()) == "2"


def test_convolution_that_is_defined_last_but_called_first_is_not_the_last():
    net = Tutorial()
    net.first, net.second = nn.Conv2d(1, 6, 3), net.first  # named in another order than they run
    net.first, net.second = net.second, nn.Conv2d(4, 6, 3)
    net.earlier = nn.Conv2d(1, 1, 1)
    net.register_forward_pre_hook(lambda _, inputs: (net.earlier(inputs[0]),))
    assert explain.last_layer_with_maps(net, picture()) == "relu"


def test_every_run_of_a_layer_has_its_maps():
    net, image = Tutorial(), picture()
    first = F.max_pool2d(F.relu(net.first(image[None])), 2)
    second = F.max_pool2d(F.relu(net.second(first)), 2)
    for run, expected in enumerate((first, second)):
        torch.testing.assert_close(
            explain.feature_maps(net, image, "pool", run=run), expected[0].detach()
        )
    with pytest.raises(ValueError, match="'relu' gives maps 2 times; there is no run 2"):
        explain.feature_maps(net, image, "relu", run=2)


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_net_of_other_floats_is_looked_into_with_pictures_of_its_own(kind):
    heat = explain.grad_cam(tiny_net().to(kind), picture(side=12), 1)
    assert heat.dtype == torch.float32
    torch.testing.assert_close(
        heat, explain.grad_cam(tiny_net(), picture(side=12), 1), atol=0.1, rtol=0.1
    )
    assert explain.feature_maps(tiny_net().to(kind), picture(side=12), "0").dtype == torch.float32


@pytest.mark.parametrize(
    "given, came",
    [
        (lambda one: one.to(torch.uint8), r"torch.uint8 of shape \(1, 12, 12\)"),
        (lambda one: one[None], r"torch.float32 of shape \(1, 1, 12, 12\)"),
        (lambda one: one[0], r"torch.float32 of shape \(12, 12\)"),
        (lambda one: one.numpy(), "a ndarray"),
    ],
    ids=["bytes", "a batch", "no channels", "an array"],
)
def test_what_is_no_picture_as_the_net_reads_it_is_refused(given, came):
    image = given(picture(side=12))
    with pytest.raises(ValueError, match=f"cannot read pictures that are {came}"):
        explain.grad_cam(tiny_net(), image, 0)
    with pytest.raises(ValueError, match=f"cannot read pictures that are {came}"):
        explain.feature_maps(tiny_net(), image, "0")


def test_grad_cam_works_inside_of_inference_mode():
    net = tiny_net()
    with torch.inference_mode():
        heat = explain.grad_cam(net, picture(side=12) + 0, 1)
    assert torch.equal(heat, explain.grad_cam(net, picture(side=12), 1))


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda net: torch.compile(net, backend="eager")])
def test_wrapped_net_is_looked_into_as_the_net_inside(wrap):
    expected = explain.grad_cam(tiny_net(), picture(side=12), 1, layer="2")
    assert torch.equal(explain.grad_cam(wrap(tiny_net()), picture(side=12), 1, layer="2"), expected)


class Answers(nn.Module):
    """A net that answers with what is done to its scores."""

    def __init__(self, change):
        super().__init__()
        self.net, self.change = tiny_net(), change

    def forward(self, x):
        return self.change(self.net(x))


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda scores: (scores, scores), "answers with a tuple, not"),
        (lambda scores: {"logits": scores}, "answers with a dict, not"),
        (lambda scores: scores[..., None], "of shape \\(1, 3, 1\\), not"),
        (lambda scores: scores / 0 * 0, "not numbers but NaN"),
        (lambda scores: scores.detach(), "does not reach the score of class 1"),
        (lambda scores: torch.zeros(1, 3), "does not reach the score of class 1"),
    ],
)
def test_answer_that_cannot_be_explained_is_refused_in_a_sentence(change, words):
    with pytest.raises(ValueError, match=words):
        explain.grad_cam(Answers(change), picture(side=12), 1)


def test_layer_that_gives_a_tuple_is_refused_by_what_it_gives():
    net = Answers(lambda scores: net.lstm(scores)[0])
    net.lstm = nn.LSTM(3, 3)
    with pytest.raises(ValueError, match="Layer 'lstm' gives a tuple and no maps"):
        explain.feature_maps(net, picture(side=12), "lstm")


def test_net_that_fails_is_left_in_its_mode_and_without_our_hooks():
    net = Answers(lambda scores: 1 / 0).train()
    with pytest.raises(ZeroDivisionError):
        explain.grad_cam(net, picture(side=12), 1, layer="net.0")
    assert net.training and not any(part._forward_hooks for part in net.modules())


def test_heat_comes_with_the_scores_of_the_same_pass():
    net, image = tiny_net().eval(), picture(side=12)
    heat, scores = explain.heat_and_scores(net, image, None)
    with torch.inference_mode():
        expected = net(image[None])[0]
    torch.testing.assert_close(scores, expected)
    assert torch.equal(heat, explain.grad_cam(net, image, int(expected.argmax())))


def test_maps_whose_channels_come_last_are_read_as_what_they_are():
    net, image = models.build("swin_t", classes=5), torch.randn(3, 96, 96)
    maps = explain.feature_maps(net, image, "features.7")
    assert maps.shape == (768, 3, 3)
    heats = [explain.grad_cam(net, image, 1, layer=layer) for layer in ("norm", "permute")]
    torch.testing.assert_close(*heats)


def test_maps_of_another_form_than_the_picture_keep_their_channels():
    net = nn.Sequential(nn.Conv2d(1, 8, (1, 8)), nn.Flatten(), nn.Linear(64, 2))
    assert explain.feature_maps(net, picture(side=8), "0").shape == (8, 8, 1)
    odd = torch.randn(3, 96, 100)  # Swin pads its sides
    swin = models.build("swin_t", classes=5)
    assert explain.feature_maps(swin, odd, "features.7").shape == (768, 3, 4)
