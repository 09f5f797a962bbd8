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
