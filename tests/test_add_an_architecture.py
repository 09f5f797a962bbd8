"""One entry adds an architecture: the one declared here is built, counted, catalogued, trained and saved like all others."""

import pytest
import torch
from helpers import parameters, tiny_dataset
from torch import nn

from workshop_utils import evaluation, models, plots, training
from workshop_utils.models.cards import CARDS, architecture


@pytest.fixture(autouse=True)
def entry():
    """The whole of what a contributor writes into models/architectures.py; taken away again after the test."""
    before = dict(CARDS)

    @architecture(
        title="Two layers",
        year=2026,
        paper="none",
        layers=2,
        parameters=4 * (9 + 1) + 3 * (4 + 1),
        pixels=8,
        source="arithmetic, 1 channel and 3 classes",
        idea="as little as can learn",
        ours=True,
    )
    def two_layers(*, classes: int, channels: int = 3) -> nn.Module:
        """(B, channels, H, W) pictures -> (B, classes) logits."""
        maps = [nn.Conv2d(channels, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        return nn.Sequential(*maps, nn.Linear(4, classes))

    yield
    CARDS.clear()
    CARDS.update(before)


def test_it_is_built_and_counted_as_its_card_says():
    net, card = models.build("two_layers", classes=3, channels=1), models.card("two_layers")
    table = models.summary(net, (1, card.pixels, card.pixels))
    assert card.name == "two_layers" and net.architecture == "two_layers"
    assert table.parameters == parameters(net) == card.parameters
    assert sum(row.parameters > 0 for row in table) == card.layers


def test_it_stands_in_the_catalogue_and_is_suggested_for_a_misspelt_name():
    assert models.catalog()[-1].name == "two_layers" and "Two layers" in repr(models.catalog())
    with pytest.raises(ValueError, match="Did you mean 'two_layers'"):
        models.build("two_layer", classes=3)
    with pytest.raises(ValueError, match="no pretrained weights for 'two_layers'"):
        models.build("two_layers", classes=3, pretrained=True)


def test_it_learns_and_is_saved_and_loaded(tmp_path):
    torch.manual_seed(0)
    pictures, net = tiny_dataset(channels=3), models.build("two_layers", classes=3)
    net.preprocess = models.preprocessing(resize=8, crop=8, mean=[0.5] * 3, std=[0.5] * 3)
    net.classes = pictures.classes
    training.fit(net, pictures, epochs=30, batch_size=8, learning_rate=0.05)
    again = models.load(models.save(net, tmp_path / "two"))
    assert evaluation.evaluate(evaluation.predict(again, pictures)).accuracy > 0.6


@pytest.mark.skipif(not hasattr(plots, "architecture"), reason="plots draw no nets here")
def test_it_is_drawn():
    assert "Two layers" in plots.architecture("two_layers").description


def test_a_librarys_net_is_one_entry_too_and_brings_its_weights():
    class Library:
        def __call__(self, *, classes, channels=3):
            return nn.Sequential(nn.Flatten(), nn.Linear(channels * 4, classes))

        def pretrained(self, title):
            return self(classes=1000)

    facts = {"layers": 1, "parameters": 13_000, "source": "arithmetic", "idea": "a line"}
    architecture(name="line", title="Line", year=2026, paper="none", **facts)(Library())
    assert models.build("line", classes=5, pretrained=True)(torch.zeros(1, 3, 2, 2)).shape == (1, 5)
    assert [card.name for card in models.catalog() if card.pretrained][-1] == "line"
