"""ImageNet's words, boxes, and folders in ILSVRC's layout."""

import json

import pytest
import torch
from helpers import TESTDATA, file_bytes, needs_testdata, photo

from workshop_utils import data

# --- ImageNet's words ---


def test_there_are_1000_different_wnids_and_names_in_one_order():
    wnids, names = data.imagenet.wnids(), data.imagenet.class_names()
    assert len(set(wnids)) == len(wnids) == len(names) == 1000
    assert (wnids[281], names[281]) == ("n02123045", "tabby") and wnids == sorted(wnids)


def test_every_path_begins_with_its_class_and_ends_in_entity():
    for wnid, name in zip(data.imagenet.wnids(), data.imagenet.class_names()):
        paths = data.imagenet.paths(wnid)
        assert paths and all(path[-1] == "entity" and len(path) > 2 for path in paths), name
        assert len({tuple(path) for path in paths}) == len(paths)


def test_dog_has_two_paths_for_it_is_a_canine_and_a_domestic_animal():
    first, second = (set(path) for path in data.imagenet.paths("n02084071"))
    assert {"canine", "domestic animal"} <= first ^ second


def test_unknown_wnid_is_answered_with_where_they_are_listed():
    with pytest.raises(
        ValueError, match=r"No ImageNet synset is called 'n99999999'.*imagenet.wnids\(\)"
    ):
        data.imagenet.paths("n99999999")


@pytest.mark.parametrize("wnid", ["n0212304", "n021230455", "n02123054", "N02123045", "n02l23045"])
def test_mistyped_wnid_is_answered_with_the_nearest_of_all(wnid):
    with pytest.raises(ValueError, match=r"Did you mean 'n02123045' \(tabby\)\?"):
        data.imagenet.paths(wnid)


@pytest.mark.parametrize("wnid", ["n99999999", "tench", "", 281])
def test_what_resembles_no_wnid_gets_no_suggestion(wnid):
    with pytest.raises(ValueError, match="No ImageNet synset") as caught:
        data.imagenet.paths(wnid)
    assert "Did you mean" not in str(caught.value) and "n01440764" not in str(caught.value)


@needs_testdata
def test_wnids_agree_with_the_official_index():
    official = json.loads((TESTDATA / "imagenet_meta/imagenet_class_index.json").read_text())
    assert data.imagenet.wnids() == [official[str(index)][0] for index in range(1000)]


# --- boxes ---


def annotation(*objects, extra="") -> str:
    rows = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for name, a, b, c, d in objects
    )
    return f"{extra}<annotation><filename>x</filename>{rows}</annotation>"


CAT, DOG = ("n02123045", 10, 20, 110, 90), ("n02084071", 0, 0, 50, 60)


def test_every_box_of_a_file_is_given_in_its_order(tmp_path):
    (tmp_path / "two.xml").write_text(annotation(CAT, DOG), "utf-8")
    assert (
        data.imagenet.boxes(tmp_path / "two.xml")
        == data.imagenet.boxes(str(tmp_path / "two.xml"))
        == [CAT, DOG]
    )
    first, _ = data.imagenet.boxes(annotation(CAT, DOG))
    assert (first.name, first.xmin, first.ymin, first.xmax, first.ymax) == CAT


def test_photograph_without_objects_has_no_boxes():
    assert data.imagenet.boxes(annotation()) == []


@pytest.mark.parametrize(
    "text, sentence",
    [
        (annotation(("n1", 10, 20, 10, 90)), "without a name or an area"),
        (annotation(("n1", 10, 95, 20, 90)), "without a name or an area"),
        (annotation(("", 1, 2, 3, 4)), "without a name"),
        (annotation(("n1", "x", 2, 3, 4)), "is not an annotation file"),
        (annotation(("n1", "inf", 2, 3, 4)), "is not an annotation file"),
        ("<annotation><object>", "is not an annotation file"),
        (annotation(CAT, extra='<!DOCTYPE lolz [<!ENTITY lol "lol">]>'), "declares entities"),
    ],
)
def test_bad_annotation_is_refused(text, sentence):
    with pytest.raises(data.DamagedFile, match=sentence):
        data.imagenet.boxes(text)


def test_bundled_photographs_have_boxes_inside_their_pictures():
    from workshop_utils.data.archives import zip_files
    from workshop_utils.data.bundled_files import bundled

    found = {
        name: data.imagenet.boxes(read())
        for name, read in zip_files(bundled("photos.zip"), "photos").items()
        if name.suffix == ".xml"
    }
    assert len(found) == 13 and all(
        0 <= box.xmin < box.xmax <= 320 and 0 <= box.ymin < box.ymax <= 320
        for boxes in found.values()
        for box in boxes
    )


@needs_testdata
@pytest.mark.parametrize(
    "name, expected",
    [
        ("ILSVRC2012_val_00000001", [("n01751748", 111, 108, 441, 193)]),
        (
            "ILSVRC2012_val_00026567",
            [("n02256656", 163, 200, 246, 269), ("n02256656", 147, 43, 409, 329)],
        ),
    ],
)
def test_real_annotations(name, expected):
    assert data.imagenet.boxes(TESTDATA / f"imagenet_meta/Annotations/{name}.xml") == expected


# --- folders ---

WNIDS = ("n01440764", "n02123045", "n15075141")


def ilsvrc(root, *, val="folders", below="ILSVRC/Data/CLS-LOC"):
    """Three classes: two training pictures and one validation picture each, of different sizes."""
    for place, wnid in enumerate(WNIDS):
        for part, count in (("train", 2), ("val", 1)):
            folder = root / below / part / (wnid if part == "train" or val == "folders" else "")
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                stem = f"{wnid}_{number}" if part == "train" else f"ILSVRC2012_val_{3 - place:08}"
                (folder / f"{stem}.JPEG").write_bytes(
                    file_bytes(photo(60 + place, 50 + number, seed=place), "JPEG")
                )
                if part == "val" and val == "annotations":
                    (root / "ILSVRC/Annotations/CLS-LOC/val").mkdir(parents=True, exist_ok=True)
                    (root / f"ILSVRC/Annotations/CLS-LOC/val/{stem}.xml").write_text(
                        annotation((wnid, 1, 2, 3, 4)), "utf-8"
                    )
    if val == "table":
        rows = "".join(
            f"ILSVRC2012_val_{3 - place:08},{wnid} 1 2 3 4\n" for place, wnid in enumerate(WNIDS)
        )
        (root / "LOC_val_solution.csv").write_text(f"ImageId,PredictionString\n{rows}", "utf-8")
    return root


@pytest.mark.parametrize("size", [0, -1, "64", None, 2.5, (8, 9), 10**6])
def test_size_that_is_none_is_refused_before_a_picture_is_read(tmp_path, size):
    with pytest.raises(ValueError, match="size is the side of a square in pixels"):
        data.load("imagenet", root=ilsvrc(tmp_path), size=size)


@pytest.mark.parametrize(
    "below",
    ["ILSVRC/Data/CLS-LOC", "Data/CLS-LOC", ""],
    ids=["Kaggle's", "without ILSVRC", "torchvision's"],
)
def test_training_folders_are_found_and_read_one_by_one(tmp_path, below):
    dataset = data.load(
        "imagenet", "train", source="full", root=ilsvrc(tmp_path, below=below), size=32
    )
    classes = [data.imagenet.wnids().index(wnid) for wnid in WNIDS]
    assert (
        dataset.labels.tolist() == [label for label in classes for _ in range(2)]
        and len(dataset) == 6
    )
    picture, label = dataset[2]
    assert (
        tuple(picture.shape) == (3, 32, 32)
        and picture.dtype == torch.uint8
        and dataset.classes[label] == "tabby"
    )


@pytest.mark.parametrize("val", ["folders", "table", "annotations"])
def test_validation_labels_come_from_folders_a_table_or_the_annotations(tmp_path, val):
    dataset = data.load("imagenet", "test", root=ilsvrc(tmp_path, val=val), size=16)
    assert [data.imagenet.wnids()[label] for label in dataset.labels] == list(WNIDS)
    assert [name.rpartition("/")[2] for name, _ in dataset.files] == [
        f"ILSVRC2012_val_{number:08}.JPEG" for number in (3, 2, 1)
    ]


def test_images_of_a_lazy_set_answer_with_what_to_use_instead(tmp_path):
    dataset = data.load("imagenet", root=ilsvrc(tmp_path), size=16)
    with pytest.raises(
        ValueError,
        match=r"6 pictures of imagenet stay in their files.*dataset\[number\], data.Batches",
    ):
        _ = dataset.images
    assert repr(dataset) == "imagenet, train: 6 pictures of 3 x 16 x 16, 1000 classes, full"


def test_missing_folder_says_where_imagenet_is_to_be_had(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="no folder 'train' in ILSVRC's layout.*https://image-net.org"
    ):
        data.load("imagenet", root=tmp_path)


def test_flat_validation_folder_without_labels_says_what_belongs_beside_it(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match="neither class folders nor one of ImageNet's 1,000 classes for ILSVRC2012_val.*LOC_val_solution.csv",
    ):
        data.load("imagenet", "test", root=ilsvrc(tmp_path, val="nothing"))


@pytest.mark.parametrize(
    "table",
    [
        "Id,Prediction\na,b\n",
        "ImageId,PredictionString\nILSVRC2012_val_00000001,\n",
        "ImageId,PredictionString\nx\n",
    ],
)
def test_table_of_another_form_is_named(tmp_path, table):
    (ilsvrc(tmp_path, val="table") / "LOC_val_solution.csv").write_text(table, "utf-8")
    with pytest.raises(data.DamagedFile, match="LOC_val_solution.csv' is not Kaggle's table"):
        data.load("imagenet", "test", root=tmp_path)


def test_table_saved_by_a_spreadsheet_is_read(tmp_path):
    table = ilsvrc(tmp_path, val="table") / "LOC_val_solution.csv"
    table.write_text(table.read_text("utf-8"), "utf-8-sig")
    assert len(data.load("imagenet", "test", root=tmp_path, size=16)) == 3


def test_plain_file_where_a_folder_belongs_is_not_taken_for_it(tmp_path):
    (tmp_path / "train").write_text("n01440764")
    with pytest.raises(FileNotFoundError, match="has no folder 'train' in ILSVRC's layout"):
        data.load("imagenet", root=tmp_path)
    (tmp_path / "val").mkdir()
    (tmp_path / "val/ILSVRC2012_val_00000001.JPEG").write_bytes(file_bytes(photo(), "JPEG"))
    (tmp_path / "LOC_val_solution.csv").mkdir()
    with pytest.raises(FileNotFoundError, match="put LOC_val_solution.csv or the folder Annota"):
        data.load("imagenet", "test", root=tmp_path)
