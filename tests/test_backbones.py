"""What chapter 3 does with a pretrained net works with SqueezeNet too, whose head was a convolution."""

import copy
import os
import pickle
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from helpers import file_bytes, loaded, photo
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from bundle import squeezenet
from workshop_utils import explain, models, training, transfer, widgets
from workshop_utils.data import bundled_files
from workshop_utils.errors import DamagedFile
from workshop_utils.models.blocks import EachPlace, Rectified
from workshop_utils.widgets import frozen_stages
from workshop_utils.widgets.collection import Collection

FILE = "squeezenet1_1.safetensors"


@pytest.fixture(scope="module")
def net():
    return models.build("squeezenet1_1", classes=1000, pretrained=True).eval()


@pytest.fixture(scope="module")
def original():
    """Torchvision's own net, which takes every tensor of the file under its name and shape."""
    made = torchvision.models.squeezenet1_1()
    made.load_state_dict(load_file(bundled_files.BUNDLED / FILE))
    return made.eval()


@pytest.fixture(scope="module")
def few():
    return loaded("clip-art").per_class(2, seed=0)


@pytest.fixture(scope="module")
def classifier(few):
    return transfer.classifier(small(1000), few)


def small(classes: int = 9) -> nn.Module:
    """A net that reads small pictures, so that it is quick."""
    torch.manual_seed(0)
    made = models.build("squeezenet1_1", classes=classes, pretrained=True)
    made.preprocess = replace(made.preprocess, resize=64, crop=64)
    return made.eval()


# --- the weights ---


def test_published_net_answers_as_torchvisions_own(net, original):
    pixels = net.preprocess(loaded("photos").images[:3])
    with torch.inference_mode():
        torch.testing.assert_close(net(pixels), original(pixels), atol=1e-4, rtol=1e-4)


def test_net_reads_blue_first_on_a_scale_of_255_minus_the_means(net):
    ready = net.preprocess(Image.new("RGB", (300, 400), (200, 100, 50)))
    assert ready.shape == (3, 227, 227) and ready.dtype == torch.float32
    expected = torch.tensor([50 - 104.006, 100 - 116.669, 200 - 122.679])
    torch.testing.assert_close(ready.mean((1, 2)), expected, atol=1e-3, rtol=0)


@pytest.mark.skipif(not find_spec("foolbox"), reason="needs the pictures of foolbox")
def test_most_pictures_of_imagenet_are_known_and_few_in_the_wrong_order(net):
    """14 of 20, and 20 among five guesses, where this was measured; one picture may fall with another JPEG decoder."""
    folder = Path(find_spec("foolbox").origin).parent / "data"
    files = sorted(folder.glob("imagenet_*"))
    labels = torch.tensor([int(file.stem.split("_")[2]) for file in files])

    def hits(recipe) -> torch.Tensor:
        with torch.inference_mode():
            best = net(torch.stack([recipe(Image.open(file)) for file in files])).topk(5).indices
        return best == labels.unsqueeze(1)

    right = hits(net.preprocess)
    assert len(files) == 20 and right[:, 0].sum() >= 13 and right.any(1).sum() >= 19
    assert hits(replace(net.preprocess, order="RGB"))[:, 0].sum() <= 10


@pytest.mark.parametrize("harm", ["damaged", "missing"])
def test_file_that_is_not_the_published_one_is_refused_with_the_cure(harm, tmp_path, monkeypatch):
    raw = bytearray((bundled_files.BUNDLED / FILE).read_bytes())
    sums = (bundled_files.BUNDLED / "SHA256SUMS").read_bytes()
    copied = tmp_path / "workshop_utils" / "data" / "bundled"
    copied.mkdir(parents=True)
    (copied / "SHA256SUMS").write_bytes(sums)
    if harm == "damaged":
        raw[len(raw) // 2] ^= 1
        (copied / FILE).write_bytes(raw)
    monkeypatch.setattr(bundled_files, "BUNDLED", copied)
    with pytest.raises(DamagedFile, match=f"'{FILE}' is {harm}.*git checkout -- .*{FILE}"):
        models.build("squeezenet1_1", classes=9, pretrained=True)


def test_its_cost_is_the_one_that_torchvision_states():
    with torch.device("meta"):
        made = models.build("squeezenet1_1", classes=1000)
    about = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1.meta
    found = models.summary(made, (3, 224, 224))
    assert found.parameters == about["num_params"]
    assert found.multiply_adds / 1e9 == pytest.approx(about["_ops"], abs=0.001)


# --- a head that reads each place ---


def test_linear_layer_at_each_place_is_a_convolution_of_1_by_1():
    torch.manual_seed(0)
    maps, plain, rectified = torch.randn(2, 6, 4, 5), nn.Linear(6, 3), Rectified(6, 3)
    for layer, after in ((plain, nn.Identity()), (rectified, nn.ReLU())):
        scores = after(F.conv2d(maps, layer.weight[:, :, None, None], layer.bias))
        torch.testing.assert_close(EachPlace(layer)(maps), scores.mean((2, 3)))
    torch.testing.assert_close(EachPlace(plain)(maps), plain(maps.mean((2, 3))))


def test_new_head_keeps_the_body_and_is_an_ordinary_linear_layer(original):
    made = small()
    name, layer = models.head(made)
    assert (name, type(layer), layer.out_features) == ("classifier.1", nn.Linear, 9)
    body = {name: tensor for name, tensor in made.state_dict().items() if "features" in name}
    assert len(body) == 50 and all(
        torch.equal(tensor, original.state_dict()[name]) for name, tensor in body.items()
    )


def test_features_are_the_means_of_the_last_maps(net, original, few):
    with torch.inference_mode():
        maps = original.features(net.preprocess(few.images))
    torch.testing.assert_close(transfer.features(net, few), maps.mean((2, 3)), atol=1e-3, rtol=1e-3)
    assert not net.classifier._forward_pre_hooks


def test_classifier_answers_as_its_head_did_outside_the_net(classifier, few):
    known = transfer.features(small(1000), few)
    with torch.inference_mode():
        inside = classifier(classifier.preprocess(few.images))
        outside = models.head(classifier)[1](known)
    torch.testing.assert_close(inside, outside, atol=1e-3, rtol=1e-3)
    assert (inside.argmax(1) == few.labels).all() and classifier.classes == few.classes


def test_classifier_is_saved_and_loaded_with_its_order_of_channels(classifier, few, tmp_path):
    again = models.load(models.save(classifier, tmp_path / "mine"))
    assert again.preprocess == classifier.preprocess and again.preprocess.order == "BGR"
    pixels = again.preprocess(few.images[:3])
    with torch.inference_mode():
        torch.testing.assert_close(again(pixels), classifier(pixels))


# --- freezing and fine-tuning ---


def test_only_what_was_unfrozen_moves_in_an_epoch(few):
    made = transfer.unfreeze(transfer.freeze(small()), "features.12")
    groups = transfer.parameter_groups(made, head_rate=1e-2, body_rate=1e-3)
    assert [(len(group["params"]), group["lr"]) for group in groups] == [(2, 1e-2), (6, 1e-3)]
    before = copy.deepcopy(made.state_dict())
    training.fit(made, few, epochs=1, optimizer=torch.optim.AdamW(groups))
    moved = transfer.changed(before, made.state_dict())
    assert {name.rpartition(".")[0] for name in moved} == {
        "features.12.squeeze",
        "features.12.expand1x1",
        "features.12.expand3x3",
        "classifier.1",
    }


def test_stages_are_the_parts_that_have_parameters():
    made = small()
    names = frozen_stages.stages(made)
    places = (0, 3, 4, 6, 7, 9, 10, 11, 12)
    assert names == [*(f"features.{place}" for place in places), "classifier.1"]
    told = frozen_stages.freezing_figure(made, None, learning=2, batchnorm=False).description
    assert "in 2 of 10 stages" in told and "classifier.1: Linear 4,617" in told


# --- looking inside, and panels ---


def test_grad_cam_weighs_the_last_maps_with_the_heads_weights():
    """For a mean and a linear layer behind the maps Grad-CAM is CAM (Zhou et al. 2016, arXiv:1512.04150)."""
    made = small()
    pixels = made.preprocess(loaded("photos").images[1])
    with torch.no_grad():
        maps = made.features(pixels[None])
        heat = F.relu(torch.einsum("c,bchw->bhw", models.head(made)[1].weight[3], maps))
    heat = F.interpolate(heat[None], pixels.shape[1:], mode="bilinear")[0, 0]
    assert explain.last_layer_with_maps(made, pixels) == "features"
    torch.testing.assert_close(
        explain.grad_cam(made, pixels, 3), heat / heat.max(), atol=1e-4, rtol=1e-3
    )


def test_maps_of_a_block_are_shown_and_the_heads_rows_are_none():
    made = small()
    pixels = made.preprocess(photo())
    assert explain.feature_maps(made, pixels, "features.3").shape == (128, 15, 15)
    with pytest.raises(ValueError, match="'classifier.1' gives .* no maps"):
        explain.feature_maps(made, pixels, "classifier.1")


def test_panels_of_chapter_3_work_with_it(classifier, few, tmp_path):
    made = widgets.grad_cam(classifier, few, few.classes)
    assert "The net says" in made.sentence.value
    own = Collection(classifier, few, tmp_path / "mine")
    own.train()
    own.ask([("new.png", lambda: file_bytes(photo()))])
    assert own.answers.probabilities.shape == (1, len(few.classes))
    assert own.classifier.classes == few.classes


# --- how the file is made ---


def test_weights_are_read_only_from_arrays_and_turned_into_torchs_order(tmp_path):
    shapes = {"conv1": (3, 3, 3, 64), "conv10": (1, 1, 512, 1000)}
    made = torchvision.models.squeezenet1_1().state_dict()
    rng = np.random.default_rng(0)
    for number in squeezenet.FIRES:
        for layer in ("squeeze1x1", "expand1x1", "expand3x3"):
            weight = made[f"{squeezenet.named(f'fire{number}/{layer}')}.weight"]
            shapes[f"fire{number}/{layer}"] = tuple(weight.permute(2, 3, 1, 0).shape)
    arrays = {
        name: [rng.random(shape, np.float32), np.zeros(shape[-1], np.float32)]
        for name, shape in shapes.items()
    }
    path = tmp_path / squeezenet.MEMBER
    path.parent.mkdir(parents=True)
    # as numpy 1 wrote it
    path.write_bytes(pickle.dumps(arrays, 3).replace(b"numpy._core.", b"numpy.core."))
    squeezenet.build(tmp_path, tmp_path)
    tensors = load_file(tmp_path / FILE)
    torchvision.models.squeezenet1_1().load_state_dict(tensors)
    kernel = arrays["fire9/expand3x3"][0]
    assert tensors["features.12.expand3x3.weight"][5, 7, 0, 2] == pytest.approx(
        kernel[0, 2, 7, 5], abs=1e-3
    )
    path.write_bytes(pickle.dumps(os.getcwd))
    with pytest.raises(pickle.UnpicklingError, match="getcwd' is no part of an array"):
        squeezenet.build(tmp_path, tmp_path)
