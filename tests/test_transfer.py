"""Freezing, features, heads, and what really changed."""

import copy
from dataclasses import dataclass, field

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
import torchvision
from helpers import normalised, tiny_dataset, tiny_net
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from torch import nn

from workshop_utils import data, evaluation, models, training, transfer
from workshop_utils.data import ImageDataset


def learning(model):
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


# --- freeze ---


def test_freeze_leaves_only_the_head_to_learn():
    model = tiny_net()
    assert transfer.freeze(model) is model and learning(model) == ["5.weight", "5.bias"]
    assert learning(transfer.freeze(model, keep_head=False)) == []


def test_unfreeze_lets_the_named_part_learn_but_not_its_batchnorm():
    model = transfer.freeze(models.build("small_vgg", classes=3))
    assert learning(transfer.unfreeze(model, "2.second")) == [
        "2.second.0.weight",
        "5.weight",
        "5.bias",
    ]
    assert learning(transfer.unfreeze(model, "2.second", batchnorm=True)) == [
        "2.second.0.weight",
        "2.second.1.weight",
        "2.second.1.bias",
        "5.weight",
        "5.bias",
    ]


def test_net_without_a_head_stays_as_it_was():
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ValueError, match="no linear layer at its end"):
        transfer.freeze(net)
    assert learning(net) == ["0.weight", "0.bias"]


def test_unfreeze_without_a_part_lets_the_whole_net_learn():
    model = transfer.freeze(tiny_net(), keep_head=False)
    assert learning(transfer.unfreeze(model)) == ["0.weight", "0.bias", "5.weight", "5.bias"]
    assert learning(transfer.unfreeze(model, batchnorm=True)) == [
        name for name, _ in model.named_parameters()
    ]


def test_one_parameter_can_be_named():
    assert learning(
        transfer.unfreeze(transfer.freeze(tiny_net(), keep_head=False), "0.weight")
    ) == ["0.weight"]


def test_part_1_is_not_taken_for_part_10():
    model = transfer.freeze(nn.Sequential(*(nn.Linear(2, 2) for _ in range(12))))
    assert learning(transfer.unfreeze(model, "1")) == ["1.weight", "1.bias", "11.weight", "11.bias"]


def test_unknown_part_is_answered_with_those_at_the_top():
    with pytest.raises(
        ValueError, match="No layer or weight is called 'layer4'. At the top there are: 0, 1, 5"
    ):
        transfer.unfreeze(tiny_net(), "layer4")


# --- features ---


def test_features_are_what_timm_hands_to_the_head():
    backbone = models.build("efficientnet_lite0", classes=10).eval()
    images = torch.randint(
        0, 256, (2, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    dataset = ImageDataset(images, torch.tensor([0, 1]), [str(i) for i in range(10)], name="noise")
    with torch.no_grad():
        expected = backbone.forward_head(
            backbone.forward_features(normalised(dataset)), pre_logits=True
        )
    torch.testing.assert_close(transfer.features(backbone, dataset), expected, atol=1e-4, rtol=1e-4)


def test_head_on_the_features_gives_the_nets_own_answers_and_no_hook_stays():
    dataset, model = tiny_dataset(), tiny_net()
    model.train()
    found = transfer.features(model, dataset, batch_size=5)
    assert (
        tuple(found.shape) == (24, 16)
        and model.training
        and not models.head(model)[1]._forward_pre_hooks
    )
    torch.testing.assert_close(
        model[5](found), model.eval()(normalised(dataset)), atol=1e-5, rtol=1e-4
    )


def test_features_can_be_learnt_from():
    layer = nn.Linear(16, 3)
    layer(transfer.features(tiny_net(), tiny_dataset())).sum().backward()
    assert layer.weight.grad is not None


def passes(model) -> list:
    """A list that grows with every batch that passes the net's first layer."""
    seen = []
    model[0].register_forward_hook(lambda *_: seen.append(1))
    return seen


def test_same_net_and_pictures_are_not_computed_again_and_a_new_head_changes_nothing():
    model, dataset = tiny_net(), tiny_dataset()
    first, seen = transfer.features(model, dataset), passes(model)
    first_again = transfer.features(model, dataset)
    model[5] = nn.Linear(16, 7)
    assert (
        torch.equal(first, first_again)
        and torch.equal(first, transfer.features(model, dataset))
        and not seen
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda model, dataset: model[0].weight.data.add_(0.1),
        lambda model, dataset: model[1].running_mean.add_(1),
        lambda model, dataset: dataset.images.bitwise_not_(),
        lambda model, dataset: dataset.std.mul_(2),
    ],
)
def test_other_weights_statistics_pixels_or_scaling_are_computed_anew(change):
    model, dataset = tiny_net(), tiny_dataset()
    before = transfer.features(model, dataset)
    change(model, dataset)
    assert not torch.equal(before, transfer.features(model, dataset))


class Scales(nn.Module):
    """A body whose words and weights do not say what it does."""

    def __init__(self, by=1.0, mask=None):
        super().__init__()
        self.by, self.mask = by, torch.ones(8) if mask is None else mask
        self.register_buffer("hidden", torch.ones(1), persistent=False)
        self.head = nn.Linear(64, 3, bias=False)

    def forward(self, x):
        return self.head((x * self.by * self.mask * self.hidden).flatten(1))


class Again(Scales):
    def forward(self, x):
        return self.head(-x.flatten(1))


def hidden(value: float) -> nn.Module:
    net = Scales()
    net.hidden.fill_(value)
    return net


Again.__name__ = "Scales"  # as if the cell of the class had been changed and run again


@pytest.mark.parametrize(
    "other",
    [
        lambda: Scales(by=2.0),
        lambda: Scales(mask=torch.zeros(8)),
        lambda: hidden(0.0),
        lambda: Again(),
    ],
)
def test_net_that_does_otherwise_with_the_same_weights_is_computed_anew(other):
    before = transfer.features(Scales(), tiny_dataset())
    assert not torch.equal(before, transfer.features(other(), tiny_dataset()))


@dataclass(frozen=True)
class Shifted:
    """Preprocessing with a part that equality leaves out."""

    by: float = field(compare=False)

    def __call__(self, images):
        return images.float() + self.by


@dataclass(frozen=True)
class Wrapped:
    """Preprocessing with a part that can change inside."""

    layer: nn.Module

    def __call__(self, images):
        return images.float() + self.layer.shift


def test_preprocessing_that_is_equal_but_does_otherwise_is_computed_anew():
    model, dataset = tiny_net(), tiny_dataset()
    model.preprocess = Shifted(0.0)
    first = transfer.features(model, dataset)
    object.__setattr__(model.preprocess, "by", 50.0)
    assert not torch.equal(first, transfer.features(model, dataset))
    model.preprocess = Wrapped(nn.Identity())
    model.preprocess.layer.shift = 0.0
    assert torch.equal(first, transfer.features(model, dataset))
    model.preprocess.layer.shift = 50.0
    assert not torch.equal(first, transfer.features(model, dataset))


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_features_of_a_net_of_other_floats_are_float32(kind):
    found = transfer.features(tiny_net().to(kind), tiny_dataset())
    assert found.dtype == torch.float32
    expected = transfer.features(tiny_net(), tiny_dataset())
    torch.testing.assert_close(found, expected, atol=0.1, rtol=0.1)


def test_wrapped_net_keeps_its_preprocessing():
    net = tiny_net()
    net.preprocess = Scaled(0.5)
    expected = transfer.features(net, tiny_dataset())
    transfer.forget()
    assert torch.equal(expected, transfer.features(nn.DataParallel(net), tiny_dataset()))
    assert transfer.classifier(nn.DataParallel(net), tiny_dataset()).preprocess == Scaled(0.5)


def test_features_of_a_lazy_net_leave_it_able_to_learn():
    net = nn.Sequential(nn.Flatten(), nn.LazyLinear(5), nn.ReLU(), nn.LazyLinear(3))
    assert transfer.features(net, tiny_dataset()).shape == (24, 5)
    net(torch.ones(2, 1, 8, 8)).sum().backward()
    assert net[1].weight.grad is not None


@pytest.mark.parametrize(
    "way",
    [
        lambda head, x: head(x) + head(-x),
        lambda head, x: head(x[:, None].repeat(1, 2, 1)).mean(1),
        lambda head, x: F.linear(x, head.weight),
    ],
)
def test_head_that_does_not_read_one_row_a_picture_is_refused(way):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(64, 3)

        def forward(self, x):
            return way(self.head, x.flatten(1))

    with pytest.raises(ValueError, match="not one row of 64 features each"):
        transfer.features(Net(), tiny_dataset())


@pytest.mark.parametrize("classes", [0, 7])
@pytest.mark.parametrize(
    "name",
    [
        "test_vit",
        "test_convnext",
        "test_resnet",
        "mobilenetv3_small_050",
        "vit_small_patch14_dinov2",
    ],
)
def test_features_of_any_net_of_timm_are_those_that_timm_gives(name, classes):
    sized = {"img_size": 56} if "dinov2" in name else {}
    net = timm.create_model(name, num_classes=classes, **sized).eval()
    side = sized.get("img_size", timm.data.resolve_model_data_config(net)["input_size"][-1])
    net.preprocess = models.preprocessing(resize=side, crop=side, mean=[0.5] * 3, std=[0.5] * 3)
    pictures = tiny_dataset(2, classes=2, channels=3)
    with torch.inference_mode():
        expected = net.forward_head(
            net.forward_features(net.preprocess(pictures.images)), pre_logits=True
        )
    assert torch.allclose(transfer.features(net, pictures), expected, atol=1e-4)


def test_features_of_a_net_whose_head_was_taken_off_are_its_answers():
    net = torchvision.models.resnet18(num_classes=3)
    net.fc = nn.Identity()
    assert transfer.features(net, tiny_dataset(2, channels=3, side=32)).shape == (6, 512)


def test_answers_of_a_headless_net_that_are_no_rows_are_refused():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Identity())
    with pytest.raises(ValueError, match="not one row of .* features each"):
        transfer.features(net, tiny_dataset())


def test_rare_class_is_found_more_often_by_a_balanced_head():
    features = torch.randn(220, 4, generator=torch.Generator().manual_seed(0))
    labels, found = (torch.arange(220) < 20).long(), []
    features[labels == 1] += 0.8
    for balanced in (False, True):
        head = transfer.fit_head(features, labels, classes=2, balanced=balanced)
        found.append(int(head(features)[labels == 1].argmax(1).sum()))
    assert found[1] > found[0] + 4


def test_zero_shot_sums_what_stands_below_a_noun():
    said = {
        281: 0.5,
        285: 0.2,
        207: 0.2,
        817: 0.1,
    }  # tabby, Egyptian cat, golden retriever, sports car

    class Net(nn.Module):
        def forward(self, x):
            return torch.tensor([said.get(i, 1e-9) for i in range(1000)]).log().expand(len(x), -1)

    pets = tiny_dataset(2, classes=2, channels=3)
    found = transfer.zero_shot(Net(), pets, {"a": "cat", "b": ["dog", "car"]})
    assert np.allclose(found.probabilities, [[0.7, 0.3]] * 4, atol=1e-4)
    assert found.classes == pets.classes and found.labels.tolist() == pets.labels.tolist()
    with pytest.raises(ValueError, match="Did you mean 'mammal'"):
        transfer.zero_shot(Net(), pets, {"a": "mamal", "b": "dog"})
    with pytest.raises(ValueError, match="no noun for the class 'b'"):
        transfer.zero_shot(Net(), pets, {"a": "cat"})
    with pytest.raises(ValueError, match="answers with 2 scores, but ImageNet has 1000 classes"):
        transfer.zero_shot(tiny_net(2, 3), pets, {"a": "cat", "b": "dog"})
    part = torch.utils.data.Subset(pets, [1])
    assert transfer.zero_shot(Net(), part, {"a": "cat", "b": "dog"}).labels.tolist() == [1]


def test_features_that_came_from_memory_can_be_changed_without_harm():
    model, dataset = tiny_net(), tiny_dataset()
    transfer.features(model, dataset).zero_()
    transfer.features(model, dataset).zero_()
    assert transfer.features(model, dataset).any()


def test_preprocessing_whose_contents_nobody_can_read_is_never_remembered():
    model, dataset = tiny_net(), tiny_dataset()
    model.preprocess = lambda images: images.float()
    transfer.features(model, dataset)
    seen = passes(model)
    transfer.features(model, dataset)
    assert seen


@dataclass(frozen=True)
class Scaled:
    """Preprocessing of one's own."""

    by: float

    def __call__(self, images):
        return images.float() * self.by


def test_preprocessing_is_compared_by_its_value():
    recipe = lambda mean: models.preprocessing(resize=8, crop=8, mean=[mean] * 3, std=[0.5] * 3)
    model, dataset = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 3)), tiny_dataset()
    model.preprocess = recipe(0.1)
    first = transfer.features(model, dataset)
    model.preprocess = recipe(0.2)
    assert not torch.equal(first, transfer.features(model, dataset))
    seen, model.preprocess = passes(model), recipe(0.1)
    assert torch.equal(first, transfer.features(model, dataset)) and not seen


def test_memory_keeps_the_latest_sixteen_until_it_is_told_to_forget():
    model, dataset = tiny_net(), tiny_dataset(1)
    seen = passes(model)

    def computed(number: int) -> bool:
        """Whether the features of the net with this number had to be computed."""
        seen.clear()
        model[0].weight.data.fill_(number)
        transfer.features(model, dataset)
        return bool(seen)

    assert all(computed(number) for number in range(18))
    assert not any(computed(number) for number in range(2, 18))
    assert computed(1)
    transfer.forget()
    assert computed(17)


# --- a head of its own ---


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("strength", [1.0, 0.01])
def test_fitted_head_agrees_with_scikit_learn_on_features_of_one_common_spread(classes, strength):
    generator = np.random.default_rng(classes)
    labels = (
        np.arange(80) % (classes + 1) % classes
    )  # one class has twice as many, so that the biases count
    values = (
        generator.normal(size=(80, 6)) * [1, 10, 100, 1, 1, 0.01]
        + labels[:, None] * [1, 0, 50, 0, 1, 0]
        + 7
    ).astype(np.float32)
    centred = values - values.mean(0)
    scaled = centred / centred.std()
    expected = (
        LogisticRegression(C=strength, max_iter=1000).fit(scaled, labels).predict_proba(scaled)
    )
    layer = transfer.fit_head(
        torch.from_numpy(values), torch.from_numpy(labels), classes=classes, strength=strength
    )
    np.testing.assert_allclose(
        layer(torch.from_numpy(values)).softmax(1).detach(), expected, atol=2e-3
    )


def test_unit_of_the_features_does_not_matter():
    known, labels = clouds(30, 1)
    once, small = (
        transfer.fit_head(known * scale, labels, classes=2)(known * scale) for scale in (1, 1e-3)
    )
    torch.testing.assert_close(once, small, atol=0.01, rtol=0.01)


def test_feature_that_never_changes_does_no_harm():
    values = torch.cat(
        [torch.randn(20, 3, generator=torch.Generator().manual_seed(0)), torch.ones(20, 1)], 1
    )
    layer = transfer.fit_head(values, torch.arange(20) % 2, classes=2)
    assert layer.weight.isfinite().all() and layer(values).isfinite().all()


def test_fitted_head_can_be_put_onto_the_net_and_trained_on():
    model, dataset = tiny_net(), tiny_dataset()
    layer = transfer.fit_head(transfer.features(model, dataset), dataset.labels, classes=3)
    model.set_submodule(models.head(model)[0], layer)
    F.cross_entropy(model(torch.randn(2, 1, 8, 8)), torch.tensor([0, 1])).backward()
    assert layer.weight.grad is not None and tuple(layer.weight.shape) == (3, 16)


def test_fitted_head_draws_no_random_numbers():
    before = torch.random.get_rng_state()
    transfer.fit_head(torch.eye(4), torch.arange(4) % 2, classes=2)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(
    "features, labels, words",
    [
        (torch.eye(4) / 0, torch.arange(4) % 2, "some of them NaN or infinite"),
        (torch.eye(4), torch.arange(4), r"labels in 0..1; these are .* in 0..3"),
        (torch.eye(4), torch.zeros(4, 1).long(), r"and \(4, 1\) in 0..0"),
        (torch.ones(4, 2, 2), torch.arange(4) % 2, r"these are \(4, 2, 2\)"),
    ],
)
def test_features_and_labels_that_do_not_fit_together_are_refused(features, labels, words):
    with pytest.raises(ValueError, match=words):
        transfer.fit_head(features, labels, classes=2)


def test_features_and_labels_may_be_arrays_or_lists():
    features, labels = torch.eye(6), torch.arange(6) % 2
    expected = transfer.fit_head(features, labels, classes=2)
    for kind in (torch.Tensor.numpy, torch.Tensor.tolist):
        found = transfer.fit_head(kind(features), kind(labels), classes=2)
        assert torch.equal(found.weight, expected.weight)
    with pytest.raises(ValueError, match="classes is 1: give a whole number, 2 or more"):
        transfer.fit_head(features, labels * 0, classes=1)
    logits = transfer.out_of_fold(features, labels, classes=2)
    assert torch.equal(logits, transfer.out_of_fold(features.numpy(), labels.tolist(), classes=2))
    backwards = transfer.fit_head(features.numpy()[::-1], labels.numpy()[::-1], classes=2)
    torch.testing.assert_close(backwards.weight, expected.weight)


def test_class_without_a_picture_is_counted_and_named():
    with pytest.raises(
        ValueError, match="2 of 4 classes have no picture to learn from, number 1 for one"
    ):
        transfer.fit_head(torch.randn(6, 3), torch.tensor([0, 2, 0, 2, 0, 2]), classes=4)


# --- probabilities to believe ---


def clouds(count: int, distance: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of two classes in 20 dimensions, their means so far apart."""
    labels = torch.arange(count) % 2
    noise = torch.randn(count, 20, generator=torch.Generator().manual_seed(seed))
    return noise + distance * labels[:, None], labels


def test_out_of_fold_is_as_good_as_on_new_pictures_and_not_as_on_its_own():
    known, labels = clouds(40, 0)  # nothing to learn
    left_out = transfer.out_of_fold(known, labels, classes=2)
    own = transfer.fit_head(known, labels, classes=2)(known)
    right = lambda logits: float((logits.argmax(1) == labels).float().mean())
    assert right(own) > 0.8 and right(left_out) < 0.65


def test_out_of_fold_leaves_out_a_fifth_at_a_time():
    known, labels = clouds(34, 1)
    expected = torch.empty(34, 2)
    for train, rest in StratifiedKFold(5, shuffle=True, random_state=0).split(known, labels):
        expected[rest] = transfer.fit_head(known[train], labels[train], classes=2)(
            known[rest]
        ).detach()
    torch.testing.assert_close(transfer.out_of_fold(known, labels, classes=2), expected)


def test_class_with_one_picture_has_none_to_leave_out():
    with pytest.raises(ValueError, match="A class with 1 picture has none to leave out"):
        transfer.out_of_fold(torch.randn(3, 4), torch.tensor([0, 0, 1]), classes=2)


@pytest.mark.parametrize("factor", [0.25, 4])
def test_temperature_undoes_scores_that_are_too_sure_or_too_shy(factor):
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(4000, 3, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    assert transfer.temperature(factor * logits, labels) == pytest.approx(factor, rel=0.1)


def test_temperature_of_few_pictures_follows_the_stated_prior():
    logits, labels = 4 * torch.eye(3), torch.tensor([0, 1, 1])
    scales = np.linspace(-2, 2, 4001)
    surprise = [
        float(F.cross_entropy(logits / np.exp(log), labels, reduction="sum"))
        + log**2 / (2 * 0.5**2)
        for log in scales
    ]
    assert transfer.temperature(logits, labels) == pytest.approx(
        np.exp(scales[np.argmin(surprise)]), rel=2e-3
    )


def test_few_pictures_without_an_error_do_not_make_it_sure_of_everything():
    assert (
        0.2
        < transfer.temperature(
            torch.tensor([[4.0, 0], [0, 4.0], [4.0, 0]]), torch.tensor([0, 1, 0])
        )
        < 1
    )


def test_classifier_is_a_copy_with_a_head_for_the_classes_and_the_net_stays():
    net, dataset = tiny_net(), tiny_dataset(8)
    before = copy.deepcopy(net.state_dict())
    made = transfer.classifier(net, dataset)
    assert (
        transfer.changed(before, net.state_dict()) == []
        and made.classes == dataset.classes
        and not made.training
    )
    body = {name: tensor for name, tensor in made.state_dict().items() if not name.startswith("5.")}
    assert (
        transfer.changed({name: before[name] for name in body}, body) == []
        and 1 / 3 < made.threshold < 1
    )


@pytest.mark.parametrize("name", ["regnetx_002", "mobilevit_xxs", "resnet18"])
@pytest.mark.parametrize("classes", [0, 10])
def test_net_of_timm_whose_head_ends_in_an_identity_gets_a_head(name, classes):
    dataset, net = (
        tiny_dataset(4, channels=3, side=32),
        timm.create_model(name, num_classes=classes),
    )
    assert transfer.features(net, dataset).shape[1] == net.num_features
    found = transfer.classifier(net, dataset)
    assert evaluation.predict(found, dataset).probabilities.shape == (12, 3)


def test_head_that_was_put_in_the_place_of_timms_is_found():
    dataset, net = tiny_dataset(2, channels=3, side=32), timm.create_model("convnext_atto")
    width = net.num_features
    net.head = nn.Identity()
    with pytest.raises(ValueError, match="no linear layer at its end"):
        transfer.freeze(net)
    net.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 3))
    assert learning(transfer.freeze(net)) == ["head.2.weight", "head.2.bias"]
    assert transfer.features(net, dataset).shape == (6, width)


def test_layer_may_be_called_threshold():
    net = tiny_net()
    net.add_module("threshold", nn.Threshold(0, 0))
    assert training.fit(net, tiny_dataset(), epochs=1).loss


def test_net_keeps_its_order_of_classes_when_it_is_calibrated():
    dataset, net = tiny_dataset(20), tiny_net()
    training.fit(net, dataset, epochs=6, learning_rate=0.02)
    turned = data.ImageDataset(
        dataset.images, (dataset.labels + 1) % 3, ["c", "a", "b"], name="turned"
    )
    net.classes = dataset.classes
    for pictures in (dataset, turned):
        found = transfer.calibrate(net, pictures)
        assert found.classes == ("a", "b", "c") and found.left_out is None
        said, expected = (evaluation.predict(one, turned).predicted for one in (found, net))
        np.testing.assert_array_equal(said, expected)
        assert len(set(said)) > 1


def test_net_that_learned_on_has_no_threshold_any_more():
    net = transfer.classifier(tiny_net(), tiny_dataset())
    assert net.threshold > 0
    training.fit(net, tiny_dataset(), epochs=1)
    assert net.threshold == 0 and net.left_out is None


def test_classifier_answers_with_its_new_head_calibrated():
    net, dataset = tiny_net(), tiny_dataset(8)
    known = transfer.features(net, dataset)
    expected = transfer.fit_head(known, dataset.labels, classes=3, strength=0.01)(known)
    scale = transfer.temperature(
        transfer.out_of_fold(known, dataset.labels, classes=3, strength=0.01), dataset.labels
    )
    said = evaluation.predict(transfer.classifier(net, dataset), dataset).probabilities
    np.testing.assert_allclose(said, (expected / scale).softmax(1).detach(), atol=1e-4)


def test_one_picture_a_class_makes_a_classifier_without_a_threshold():
    assert transfer.classifier(tiny_net(), tiny_dataset(1)).threshold == 0


def test_two_pictures_a_class_are_enough_to_leave_one_out_and_for_a_threshold():
    assert 1 / 3 < transfer.classifier(tiny_net(), tiny_dataset(2)).threshold < 1


def test_threshold_is_reached_by_95_percent_of_the_left_out_pictures():
    net, dataset = tiny_net(), tiny_dataset(20)
    made, known = transfer.classifier(net, dataset), transfer.features(net, dataset)
    logits = transfer.out_of_fold(known, dataset.labels, classes=3, strength=0.01)
    best = (logits / transfer.temperature(logits, dataset.labels)).softmax(1).amax(1)
    assert float((best >= made.threshold).float().mean()) == pytest.approx(0.95, abs=0.02)


def test_net_trained_as_a_whole_gets_what_a_classifier_has_from_pictures_it_did_not_learn_from():
    net, others = tiny_net(), tiny_dataset(20)
    head, before = net[-1], copy.deepcopy(net.state_dict())
    with torch.no_grad():
        head.weight *= 20  # far too sure of itself
    sure = evaluation.predict(net, others)
    made = transfer.calibrate(net, others)
    said = evaluation.predict(made, others)
    assert made.classes == others.classes and not made.training
    assert transfer.changed(before, net.state_dict()) == ["5.weight"]  # it is a copy that changes
    assert (said.predicted == sure.predicted).all()
    loss = [evaluation.evaluate(one).cross_entropy for one in (said, sure)]
    assert loss[0] < loss[1]
    reached = (said.probabilities.max(1) >= made.threshold - 1e-6).mean()
    assert reached == pytest.approx(0.95, abs=0.02)


# --- parameter groups ---


def test_head_and_body_get_their_own_rates_and_every_parameter_is_in_one_group():
    model = tiny_net()
    optimizer = torch.optim.AdamW(transfer.parameter_groups(model, head_rate=1e-2, body_rate=1e-4))
    rates = {
        id(parameter): group["lr"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert {name: rates[id(parameter)] for name, parameter in model.named_parameters()} == {
        name: 1e-2 if name.startswith("5.") else 1e-4 for name, _ in model.named_parameters()
    }


def test_frozen_parameters_are_in_no_group():
    groups = transfer.parameter_groups(transfer.freeze(tiny_net()), head_rate=1e-2, body_rate=1e-4)
    assert [(len(group["params"]), group["lr"]) for group in groups] == [(2, 1e-2)]


def test_parts_of_the_body_get_rates_of_their_own():
    model = tiny_net()
    groups = transfer.parameter_groups(model, head_rate=1e-2, body_rate={"1": 1e-3, "0": 1e-4})
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert [(group["lr"], [names[id(p)] for p in group["params"]]) for group in groups] == [
        (1e-2, ["5.weight", "5.bias"]),
        (1e-3, ["1.weight", "1.bias"]),
        (1e-4, ["0.weight", "0.bias"]),
    ]


def test_longest_part_decides_in_whatever_order_they_are_given():
    rates = {"": 1e-4, "1": 1e-3}
    groups = transfer.parameter_groups(tiny_net(), head_rate=1e-2, body_rate=rates)
    assert [(group["lr"], len(group["params"])) for group in groups] == [
        (1e-2, 2),
        (1e-3, 2),
        (1e-4, 2),
    ]


def test_part_with_a_rate_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="is called 'layer4', which has a rate"):
        transfer.parameter_groups(tiny_net(), head_rate=1e-2, body_rate={"": 1e-4, "layer4": 1e-3})


@pytest.mark.parametrize("rate", ["x", None, -1, float("nan")])
def test_rate_that_is_no_number_is_refused_with_its_part(rate):
    with pytest.raises(ValueError, match="rate of '5' is .*: give a number such as 0.001"):
        transfer.parameter_groups(tiny_net(), head_rate=rate, body_rate=1e-4)
    with pytest.raises(ValueError, match="rate of 'the body' is"):
        transfer.parameter_groups(tiny_net(), head_rate=1e-2, body_rate=rate)


def test_head_has_its_rate_once():
    with pytest.raises(ValueError, match="'5' is the head: its rate is head_rate"):
        transfer.parameter_groups(tiny_net(), head_rate=1e-2, body_rate={"": 1e-4, "5": 1e-5})
    (group,) = transfer.parameter_groups(nn.Linear(4, 3), head_rate=1e-2, body_rate=1e-4)
    assert group["lr"] == 1e-2


def test_part_that_learns_without_a_rate_is_named():
    with pytest.raises(ValueError, match="2 tensors learn and have no rate, '0.weight' for one"):
        transfer.parameter_groups(tiny_net(), head_rate=1e-2, body_rate={"1": 1e-3})


# --- what changed ---


def test_frozen_batchnorm_left_in_train_mode_is_reported_as_changed():
    model = transfer.freeze(tiny_net()).train()
    before = copy.deepcopy(model.state_dict())
    model(torch.randn(4, 1, 8, 8))
    assert transfer.changed(before, model.state_dict()) == [
        "1.running_mean",
        "1.running_var",
        "1.num_batches_tracked",
    ]
    before = copy.deepcopy(model.state_dict())
    model.eval()(torch.randn(4, 1, 8, 8))
    assert transfer.changed(before, model.state_dict()) == []


def test_one_step_changes_exactly_what_was_to_learn():
    model = transfer.freeze(tiny_net()).eval()
    before = copy.deepcopy(model.state_dict())
    F.cross_entropy(model(torch.randn(4, 1, 8, 8)), torch.arange(4) % 3).backward()
    torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1).step()
    assert transfer.changed(before, model.state_dict()) == ["5.weight", "5.bias"]


def test_nan_that_stays_is_no_change():
    model = tiny_net()
    model[0].weight.data[0] = float("nan")
    before = copy.deepcopy(model.state_dict())
    model[5].bias.data += 1
    assert transfer.changed(before, model.state_dict()) == ["5.bias"]


def test_state_that_was_not_copied_is_refused_since_it_could_never_differ():
    model = tiny_net()
    before = model.state_dict()
    model[5].bias.data += 1
    with pytest.raises(ValueError, match="Copy the first before you change the net"):
        transfer.changed(before, model.state_dict())


def test_states_of_two_different_nets_are_refused():
    with pytest.raises(
        ValueError, match="two different nets: 2 names are in one only, '5.bias' first"
    ):
        transfer.changed(tiny_net().state_dict(), tiny_net()[:5].state_dict())
