"""The photographs that are cut out: who took them, how they were split, and where the thing is on each."""

from collections import Counter
from functools import cache
from zipfile import ZipFile

import pytest
import torch
from helpers import REPOSITORY, loaded
from PIL import Image
from torch.utils.data import Subset

from bundle import photographs
from bundle.clip_art import near_duplicates
from workshop_utils import data
from workshop_utils.data.bundled_files import BUNDLED

ROWS = photographs.choices()
KEPT = [row for row in ROWS if not row["reason"]]
FREE = {"GPL-2.0-or-later", "CC-BY-2.5", "CC-BY-SA-2.5", "CC-BY-SA-3.0", "public domain"}


@cache
def masks(split: str) -> torch.Tensor:
    return data.masks(loaded("photographs", split))


def both() -> torch.Tensor:
    return torch.cat([loaded("photographs", split).images for split in ("train", "test")])


# --- choice, licences, split ---


def test_split_is_made_by_the_rule_and_never_tears_a_group():
    assert photographs.assigned(ROWS) == {row["file"]: row["split"] for row in KEPT}
    sides = {(row["group"], row["split"]) for row in KEPT if row["group"]}
    assert len(sides) == len({group for group, _ in sides}) > 0


@pytest.mark.parametrize("label", data.card("photographs").classes)
def test_class_has_eight_pictures_to_test_and_five_to_learn_from(label):
    counts = Counter(row["split"] for row in KEPT if row["class"] == label)
    assert counts["test"] >= 8 and counts["train"] >= 5


def test_zips_hold_the_pictures_of_the_table_and_no_others():
    names = ZipFile(BUNDLED / "photographs.zip").namelist()
    assert Counter(tuple(name.split("/")[:2]) for name in names) == Counter(
        (row["split"], row["class"]) for row in KEPT
    )
    assert len(data.rejected("photographs")) == len(photographs.examples(ROWS))


def test_every_picture_that_is_shown_has_a_licence_for_it_and_stands_in_the_file_of_licences():
    shown = KEPT + photographs.examples(ROWS)
    assert {row["licence"] for row in shown} <= FREE and all(row["credit"] for row in shown)
    text = (BUNDLED / "LICENSES.md").read_text("utf-8")
    assert photographs.credits() in text and all(f"**{licence}**" in text for licence in FREE)
    assert "pictures keep these licences\nwherever" in (REPOSITORY / "LICENSE").read_text("utf-8")
    assert "GNU GENERAL PUBLIC LICENSE" in (BUNDLED / "GPL-2.txt").read_text("utf-8")


def test_no_two_photographs_are_the_same_but_for_colour_size_or_side():
    pictures = {
        str(place): Image.fromarray(picture.permute(1, 2, 0).numpy())
        for place, picture in enumerate(both())
    }
    assert near_duplicates(pictures) == []
    one = pictures["7"]
    twins = {"one": one, "mirrored": one.transpose(Image.Transpose.FLIP_LEFT_RIGHT)}
    assert [pair[1:] for pair in near_duplicates(twins)] == [("one", "mirrored")]


def test_what_was_taken_out_is_never_loaded_and_its_twin_is():
    pictures = Counter(picture.numpy().tobytes() for picture in both())
    found = data.rejected("photographs")
    twins = [one.twin for one in found if one.twin is not None]
    assert [pictures[twin.numpy().tobytes()] for twin in twins] == [1, 1, 1]
    assert not any(one.picture.numpy().tobytes() in pictures for one in found)


# --- masks ---


@pytest.mark.parametrize("split", ["train", "test"])
def test_beside_its_mask_a_picture_is_white_and_the_thing_fills_the_frame(split):
    dataset, found = loaded("photographs", split), masks(split)
    assert (found.dtype, found.shape) == (torch.uint8, (len(dataset), 224, 224))
    assert (dataset.images.amin(1)[found == 0] == 255).all()
    for mask in found >= photographs.VISIBLE:
        rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
        length = max(rows.max() - rows.min(), columns.max() - columns.min()) + 1
        assert 200 <= length <= 210


def test_masks_follow_any_part_of_the_set():
    test, drawn = loaded("photographs", "test"), [101, 5, 5, 0]
    assert torch.equal(data.masks(Subset(test, drawn)), masks("test")[drawn])
    assert data.masks(test.subset([])).shape == (0, 224, 224)


def test_picture_without_a_mask_is_named():
    train = loaded("photographs")[:3]
    changed = train.images.clone()
    changed[1] = changed[1].flip(-1)
    mirrored = data.ImageDataset(changed, train.labels, train.classes, name="mirrored")
    with pytest.raises(ValueError, match="Picture 1 of mirrored has no mask.*before they are"):
        data.masks(mirrored)


def test_set_that_nothing_was_taken_out_of_is_answered_with_those_that_have_some():
    with pytest.raises(ValueError, match="called 'photo'.*Known: clip-art, photographs"):
        data.rejected("photo")
