"""People's own pictures: folders and zips with a folder a class."""

import os
import shutil
import struct
import tarfile
from contextlib import suppress
from pathlib import Path, PurePosixPath
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
import pytest
import torch
from helpers import TESTDATA, class_folders, file_bytes, needs_testdata, photo
from PIL import Image
from torchvision.transforms.v2 import functional as F

from workshop_utils import data
from workshop_utils.data import archives, picture_files
from workshop_utils.data.pictures import decode, decode_all


def zipped(folder, target):
    with ZipFile(target, "w") as archive:
        for file in sorted(folder.rglob("*.png"), reverse=True):
            archive.write(file, file.relative_to(folder).as_posix())
    return target


def both(path, **options):
    """Train and test together: pictures by class name."""
    parts = data.from_folder(path, size=10, **options)
    return {
        name: [
            int(image[0, 0, 0])
            for part in parts
            for image, label in zip(part.images, part.labels)
            if label == place
        ]
        for place, name in enumerate(parts[0].classes)
    }


# --- layouts ---


def test_folder_of_class_folders_becomes_train_and_test(tmp_path):
    train, test = data.from_folder(class_folders(tmp_path / "pets", cats=8, dogs=4), size=16)
    assert (train.classes, train.name, train.split, test.split, test.source) == (
        ("cats", "dogs"),
        "pets",
        "train",
        "test",
        "your folder",
    )
    assert torch.bincount(train.labels).tolist() == [6, 3] and torch.bincount(
        test.labels
    ).tolist() == [2, 1]
    assert tuple(train.images.shape[1:]) == (3, 16, 16) and train.images.dtype == torch.uint8
    assert torch.equal(train.mean, test.mean)


def test_no_picture_is_lost_doubled_or_mislabelled(tmp_path):
    assert {
        name: sorted(values)
        for name, values in both(class_folders(tmp_path, cats=8, dogs=4)).items()
    } == {"cats": list(range(8)), "dogs": [100, 101, 102, 103]}


def test_split_repeats_with_its_seed(tmp_path):
    class_folders(tmp_path, cats=9, dogs=9)
    assert both(tmp_path, seed=4) == both(tmp_path, seed=np.int64(4)) != both(tmp_path, seed=5)


def test_zip_gives_the_same_pictures_as_its_folder(tmp_path):
    folder = class_folders(tmp_path / "pets", cats=4, dogs=4)
    from_zip, from_folder = (
        data.from_folder(path, size=10) for path in (zipped(folder, tmp_path / "pets.zip"), folder)
    )
    assert all(
        torch.equal(one.images, other.images) and torch.equal(one.labels, other.labels)
        for one, other in zip(from_zip, from_folder)
    )
    assert from_zip[0].source == "your zip"


def test_folder_around_everything_and_folders_below_a_class_are_no_classes(tmp_path):
    class_folders(tmp_path / "download" / "pets", cats=3, dogs=3)
    class_folders(tmp_path / "download" / "pets" / "cats", kittens=2)
    assert {name: len(values) for name, values in both(tmp_path).items()} == {"cats": 5, "dogs": 3}


@pytest.mark.parametrize(
    "train, test",
    [("train", "test"), ("Train", "val"), ("train", "validation"), ("training", "testing")],
)
def test_train_and_test_folders_are_kept_as_the_split(tmp_path, train, test):
    class_folders(tmp_path / train, cats=5, dogs=3)
    class_folders(tmp_path / test, cats=1, dogs=2)
    parts = data.from_folder(tmp_path, size=10)
    assert [torch.bincount(part.labels).tolist() for part in parts] == [[5, 3], [1, 2]]


def test_validation_folder_beside_a_test_folder_loses_no_picture_of_the_same_name(tmp_path):
    for part, count in (("train", 5), ("val", 2), ("test", 3)):
        class_folders(tmp_path / part, cats=count, dogs=count)
    _, test = data.from_folder(tmp_path, size=10)
    assert torch.bincount(test.labels).tolist() == [5, 5]


def test_a_class_called_train_beside_other_classes_is_a_class(tmp_path):
    assert set(both(class_folders(tmp_path, train=3, car=3))) == {"train", "car"}
    (tmp_path / "train" / "goods").mkdir()
    shutil.move(tmp_path / "train" / "0.png", tmp_path / "train" / "goods")
    assert {name: len(values) for name, values in both(tmp_path).items()} == {"train": 3, "car": 3}


@pytest.mark.parametrize("pack", [False, True], ids=["folder", "zip"])
def test_arabic_accented_and_spaced_names_are_kept(tmp_path, pack):
    folder = class_folders(tmp_path / "صور", **{"قطط": 2, "café crème": 2, "naïve-日本": 2})
    train, _ = data.from_folder(zipped(folder, tmp_path / "صور.zip") if pack else folder, size=10)
    assert set(train.classes) == {"قطط", "café crème", "naïve-日本"} and train.name == "صور"


def test_macs_extra_files_hidden_files_and_texts_are_left_alone(tmp_path, capsys):
    class_folders(tmp_path, cats=2, dogs=2)
    (tmp_path / ".cache" / "empty").mkdir(parents=True)
    for name in (
        "__MACOSX/cats/._0.png",
        "__MACOSX/dogs/0.png",
        "cats/._0.png",
        "cats/.DS_Store",
        "cats/notes.txt",
        "README.md",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    assert {name: len(values) for name, values in both(tmp_path).items()} == {"cats": 2, "dogs": 2}
    assert "left out" not in capsys.readouterr().out.lower()


def test_zip_with_paths_that_point_outside_writes_nothing_anywhere(tmp_path):
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    with ZipFile(inside / "evil.zip", "w") as archive:
        for name in (
            "../../evil.png",
            "cats/../../../evil.png",
            "/tmp/evil-cats/1.png",
            "cats/1.png",
            "cats/2.png",
            "dogs/1.png",
            "dogs/2.png",
        ):
            archive.writestr(name, file_bytes(Image.new("L", (4, 4))))
    with suppress(ValueError):
        data.from_folder(inside / "evil.zip", size=10)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [inside / "evil.zip"]
    assert not os.path.exists("/tmp/evil-cats")


@pytest.mark.parametrize("part", ["train", "test"])
def test_class_that_is_missing_in_one_of_the_split_folders_is_named(tmp_path, part):
    for folder in ("train", "test"):
        class_folders(tmp_path / folder, cats=2, **({} if folder == part else {"dogs": 2}))
    with pytest.raises(ValueError, match=f"the class 'dogs' has 0 pictures in {part}"):
        data.from_folder(tmp_path, size=10)


def test_tar_archive_gives_the_same_pictures_as_its_folder(tmp_path):
    folder = class_folders(tmp_path / "pets", cats=4, dogs=4)
    with tarfile.open(tmp_path / "pets.tar.gz", "w:gz") as archive:
        archive.add(folder, "pets")
    assert both(tmp_path / "pets.tar.gz") == both(folder)


def test_archive_member_beyond_the_limit_is_left_out_before_it_is_unpacked(
    tmp_path, monkeypatch, capsys
):
    folder = class_folders(tmp_path / "pets", cats=3, dogs=3)
    (folder / "cats" / "bomb.png").write_bytes(bytes(5000))
    path = zipped(folder, tmp_path / "pets.zip")
    monkeypatch.setattr(archives, "FILE_AT_MOST", 4000)
    assert (
        len(both(path)["cats"]) == 3
        and "cats/bomb.png has more than 4,000 bytes, the limit" in capsys.readouterr().out
    )


# --- what is in the files ---


def corner(raw, row=0, column=0):
    return decode(raw)[:, row, column].tolist()


def test_exif_rotation_turns_the_picture_upright():
    wide = Image.new("RGB", (6, 4), "black")
    wide.putpixel((0, 0), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = (
        6  # "the right side of the stored picture is its top": to show it, turn it clockwise by 90 degrees
    )
    upright = decode(file_bytes(wide, exif=exif))
    assert tuple(upright.shape) == (3, 6, 4) and upright[:, 0, 3].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    "picture, colour",
    [
        (Image.new("L", (4, 4), 90), [90, 90, 90]),
        (Image.new("1", (4, 4), 1), [255, 255, 255]),
        (Image.new("RGB", (4, 4), (10, 20, 30)), [10, 20, 30]),
        (Image.new("RGB", (4, 4), (10, 20, 30)).quantize(4), [10, 20, 30]),
        (Image.new("RGBA", (4, 4), (10, 20, 30, 255)), [10, 20, 30]),
        (Image.new("RGBA", (4, 4), (10, 20, 30, 0)), [255, 255, 255]),
        (Image.new("LA", (4, 4), (0, 0)), [255, 255, 255]),
        (Image.fromarray(np.full((4, 4), 90 * 257, dtype=np.uint16)), [90, 90, 90]),
    ],
    ids=[
        "grey",
        "black and white",
        "RGB",
        "palette",
        "opaque RGBA",
        "transparent RGBA",
        "transparent grey",
        "16-bit grey",
    ],
)
def test_every_kind_of_png_becomes_rgb_on_white(picture, colour):
    assert corner(file_bytes(picture)) == colour


def test_half_transparent_black_on_white_is_grey():
    assert corner(file_bytes(Image.new("RGBA", (4, 4), (0, 0, 0, 128)))) == [127, 127, 127]


def test_transparent_palette_colour_becomes_white():
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    assert corner(file_bytes(picture, transparency=1)) == [255, 255, 255]


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF", "BMP", "PNG", "TIFF", "PPM"])
def test_every_accepted_format_is_read_as_pillow_reads_it(kind):
    import io

    raw = file_bytes(photo(40, 30), kind)
    expected = np.asarray(Image.open(io.BytesIO(raw)).convert("RGB"))
    np.testing.assert_array_equal(decode(raw).permute(1, 2, 0), expected)


def test_printers_colours_are_turned_into_rgb():
    assert corner(file_bytes(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")) == [255, 0, 0]


def test_picture_is_scaled_and_its_centre_cut_out():
    picture = Image.new("RGB", (30, 10), "red")
    picture.paste((0, 0, 255), (10, 0, 20, 10))  # the middle third is blue
    small = decode(file_bytes(picture), 5)
    assert (
        tuple(small.shape) == (3, 5, 5)
        and small[:, 2, 2].tolist() == [0, 0, 255]
        and int(small[0].max()) < 60
    )


def test_picture_is_made_smaller_as_torchvision_does():
    whole = decode(file_bytes(photo(90, 90)))
    expected = F.resize(whole, [40], F.InterpolationMode.BICUBIC, antialias=True)
    small = decode(file_bytes(photo(90, 90)), 40)
    assert (small.int() - expected.int()).abs().max() <= 1


def test_huge_picture_is_refused_before_it_is_unpacked():
    raw = bytearray(file_bytes(Image.new("1", (8, 8))))
    raw[16:24] = struct.pack(
        ">II", 10_001, 10_000
    )  # what the header promises is enough to refuse it
    import zlib

    raw[29:33] = struct.pack(">I", zlib.crc32(raw[12:29]))
    with (
        pytest.warns(Image.DecompressionBombWarning),
        pytest.raises(
            data.DamagedFile, match="10,001 x 10,000 pixels, beyond the limit of 100,000,000"
        ),
    ):
        decode(bytes(raw))


@pytest.mark.parametrize("kind", ["EPS", "TGA", "ICO"])
def test_other_formats_under_an_accepted_name_are_not_even_tried(kind):
    with pytest.raises(data.DamagedFile, match="cannot be read as a picture"):
        decode(file_bytes(photo(20, 20), kind))


# --- what goes wrong ---


def test_pictures_behind_a_damaged_one_keep_their_order():
    raws = [b"", *(file_bytes(Image.new("L", (4, 4), grey)) for grey in (7, 9))]
    files = [(str(place), lambda raw=raw: raw) for place, raw in enumerate(raws)]
    images, damaged = decode_all(files, "Reading", shape=(1, 4, 4))
    assert images[:, 0, 0, 0].tolist() == [7, 9] and list(damaged) == [0]


def test_picture_of_another_shape_is_left_out_and_said():
    raws = [file_bytes(Image.new("L", sides)) for sides in ((4, 4), (4, 5))]
    files = [(str(place), lambda raw=raw: raw) for place, raw in enumerate(raws)]
    images, damaged = decode_all(files, "Reading", shape=(1, 4, 4))
    assert len(images) == 1 and "shape (1, 5, 4) instead of (1, 4, 4)" in str(damaged[1])


def test_broken_files_are_named_counted_and_skipped(tmp_path, capsys):
    class_folders(tmp_path / "pets", cats=3, dogs=3)
    whole = file_bytes(photo(60, 60), "JPEG")
    (tmp_path / "pets/cats/cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "pets/dogs/empty.png").write_bytes(b"")
    assert {name: len(values) for name, values in both(tmp_path / "pets").items()} == {
        "cats": 3,
        "dogs": 3,
    }
    said = capsys.readouterr().out
    assert (
        "2 of 8 files in 'pets' were left out" in said
        and "cats/cut.jpg" in said
        and "dogs/empty.png" in said
    )
    for number, dots in ((5, 0), (6, 1)):  # the first five are named
        (tmp_path / "pets/dogs/empty.png").unlink(missing_ok=True)
        for one in range(number - 1):
            (tmp_path / f"pets/dogs/{one}.gif").write_bytes(b"")
        both(tmp_path / "pets")
        assert capsys.readouterr().out.count(" ...") == dots


def test_zip_with_a_damaged_member_still_gives_the_others(tmp_path, capsys):
    with ZipFile(tmp_path / "pets.zip", "w", ZIP_STORED) as archive:
        for name in ("cats/1.png", "cats/2.png", "cats/bad.png", "dogs/1.png", "dogs/2.png"):
            archive.writestr(name, file_bytes(Image.new("L", (10, 10), 77)))
    raw = bytearray((tmp_path / "pets.zip").read_bytes())
    raw[raw.find(b"PNG", raw.find(b"cats/bad.png")) + 40] ^= 255
    (tmp_path / "pets.zip").write_bytes(raw)
    assert {name: len(values) for name, values in both(tmp_path / "pets.zip").items()} == {
        "cats": 2,
        "dogs": 2,
    }
    assert "1 of 5 files" in capsys.readouterr().out


def test_zip_that_lies_about_the_size_of_a_member_is_read_no_further_than_the_limit(
    tmp_path, monkeypatch, capsys
):
    with ZipFile(tmp_path / "pets.zip", "w", ZIP_DEFLATED) as archive:
        for name in ("cats/1.png", "cats/2.png", "dogs/1.png", "dogs/2.png"):
            archive.writestr(name, file_bytes(Image.new("L", (10, 10), 77)))
        archive.writestr("cats/bomb.png", bytes(10_000_000))
    raw = (tmp_path / "pets.zip").read_bytes()
    (tmp_path / "pets.zip").write_bytes(
        raw.replace(struct.pack("<I", 10_000_000), struct.pack("<I", 1000))
    )
    monkeypatch.setattr(archives, "FILE_AT_MOST", 4000)
    assert (
        len(both(tmp_path / "pets.zip")["cats"]) == 2 and "cats/bomb.png" in capsys.readouterr().out
    )


@pytest.mark.parametrize("method", [ZIP_BZIP2, ZIP_LZMA])
def test_zip_packed_in_a_way_that_has_no_limit_is_left_out(tmp_path, method, capsys):
    with ZipFile(tmp_path / "pets.zip", "w") as archive:
        for name in ("cats/1.png", "cats/2.png", "dogs/1.png", "dogs/2.png"):
            archive.writestr(name, file_bytes(Image.new("L", (10, 10), 77)))
        archive.writestr("cats/3.png", file_bytes(Image.new("L", (10, 10), 77)), method)
    assert (
        len(both(tmp_path / "pets.zip")["cats"]) == 2
        and "cats/3.png is packed in a way" in capsys.readouterr().out
    )


def test_names_with_backslashes_from_windows_are_folders_too(tmp_path):
    with ZipFile(tmp_path / "pets.zip", "w") as archive:
        for name in ("cats/1.png", "cats/2.png", "dogs/1.png", "dogs/2.png"):
            member = ZipInfo("x")
            member.filename = name.replace("/", "\\")
            archive.writestr(member, file_bytes(Image.new("L", (10, 10), 77)))
    assert set(both(tmp_path / "pets.zip")) == {"cats", "dogs"}


@pytest.mark.parametrize("count", [3, 120], ids=["few", "with workers"])
def test_picture_that_may_not_be_opened_is_left_out_and_named(tmp_path, capsys, count):
    class_folders(tmp_path, cats=count, dogs=count)
    (tmp_path / "cats" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert (
        len(both(tmp_path)["cats"]) == count
        and "cats/gone.png cannot be opened" in capsys.readouterr().out
    )


def test_linked_class_folder_is_read_and_a_circle_of_links_ends(tmp_path):
    class_folders(tmp_path / "elsewhere", dogs=3)
    class_folders(tmp_path / "pets", cats=3)
    (tmp_path / "pets" / "dogs").symlink_to(tmp_path / "elsewhere" / "dogs")
    (tmp_path / "pets" / "cats" / "again").symlink_to(tmp_path / "pets")
    assert {name: len(values) for name, values in both(tmp_path / "pets").items()} == {
        "cats": 3,
        "dogs": 3,
    }


def test_hidden_folder_is_no_class(tmp_path):
    class_folders(tmp_path, **{"cats": 2, "dogs": 2, ".thumbnails": 2})
    assert set(both(tmp_path)) == {"cats", "dogs"}


@pytest.mark.parametrize("third", ["samples", "TestAndTrain"])
def test_folder_beside_train_and_test_is_not_guessed_about(tmp_path, third):
    for part in ("train", "test", third):
        class_folders(tmp_path / part, cats=2, dogs=2)
    listed = ", ".join(sorted(["train", "test", third]))
    with pytest.raises(
        ValueError,
        match=f"folders for training and for testing, and others beside them: {listed}",
    ):
        data.from_folder(tmp_path)


def test_file_that_is_no_zip_is_refused_by_name(tmp_path):
    (tmp_path / "pets.zip").write_bytes(b"PK\3\4 not really")
    with pytest.raises(data.DamagedFile, match="'pets.zip' is not a zip file"):
        data.from_folder(tmp_path / "pets.zip")


def test_missing_path_is_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="no folder or zip at '.*nowhere'.*one folder a class"
    ):
        data.from_folder(tmp_path / "nowhere")


def test_empty_folder_says_what_belongs_into_it(tmp_path):
    with pytest.raises(
        ValueError, match="holds no pictures.*one folder of pictures for each class"
    ):
        data.from_folder(tmp_path)


def test_one_class_only_is_refused(tmp_path):
    with pytest.raises(ValueError, match="only the class 'cats' has pictures. Two classes"):
        data.from_folder(class_folders(tmp_path, cats=4))


def test_pictures_outside_of_a_class_folder_are_counted_and_named(tmp_path):
    class_folders(tmp_path, cats=2, dogs=2)
    shutil.copy(tmp_path / "cats/0.png", tmp_path / "loose.png")
    with pytest.raises(ValueError, match="1 pictures lie outside of a class folder, 'loose.png'"):
        data.from_folder(tmp_path)


def test_class_with_one_picture_is_named(tmp_path):
    with pytest.raises(ValueError, match="the class 'dogs' has 1 readable picture.*at least two"):
        data.from_folder(class_folders(tmp_path, cats=4, dogs=1))


def test_two_pictures_a_class_are_enough_one_to_learn_from_and_one_to_test_on(tmp_path):
    train, test = data.from_folder(class_folders(tmp_path, cats=2, dogs=2), size=10)
    assert sorted(train.labels.tolist()) == sorted(test.labels.tolist()) == [0, 1]


def test_all_pictures_can_be_had_to_learn_from_one_a_class_too(tmp_path):
    train, test = data.from_folder(
        class_folders(tmp_path, cats=3, dogs=1), size=10, test_fraction=0
    )
    assert sorted(train.images[:, 0, 0, 0].tolist()) == [0, 1, 2, 100] and len(test) == 0
    assert (train.split, test.split, test.classes) == ("train", "test", train.classes)
    with pytest.raises(ValueError, match="nothing to read: .* test: 0 pictures"):
        data.Batches(test, 8)


def test_folders_that_are_a_split_stay_one_whatever_part_is_asked_for(tmp_path):
    for part in ("train", "test"):
        class_folders(tmp_path / part, cats=2, dogs=2)
    train, test = data.from_folder(tmp_path, size=10, test_fraction=0)
    assert (len(train), len(test)) == (4, 4)


def test_folder_in_which_nothing_can_be_read_is_refused(tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="None of the 2 pictures"):
        data.from_folder(tmp_path)


# --- folders as other people make them ---


def split_into(folder, *places, **classes):
    for place in places:
        class_folders(folder / place, **(classes or {"cats": 2, "dogs": 2}))
    return folder


@pytest.mark.parametrize(
    "train, test",
    [
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("training_set/training_set", "test_set/test_set"),
        ("Training", "Testing"),
        ("TrainSet", "ValImages"),
        ("train_images", "val_images"),
        ("archive/data/traindata", "archive/data/evaluation"),
        ("TRAIN", "dev"),
        ("01-train", "02-test"),
    ],
)
def test_split_is_known_by_a_word_of_its_folders_names(tmp_path, train, test):
    split_into(tmp_path, train, cats=3, dogs=3)
    split_into(tmp_path, test, cats=1, dogs=1)
    trained, tested = data.from_folder(tmp_path, size=10)
    assert trained.classes == tested.classes == ("cats", "dogs")
    assert (len(trained), len(tested)) == (6, 2)


def test_split_below_each_class_is_kept(tmp_path):
    class_folders(tmp_path / "cats", train=3, test=1)
    class_folders(tmp_path / "dogs", train=3, test=1)
    trained, tested = data.from_folder(tmp_path, size=10)
    assert trained.classes == ("cats", "dogs") and (len(trained), len(tested)) == (6, 2)


def test_pictures_without_a_class_beside_a_split_are_left_out_and_said(tmp_path, capsys):
    split_into(tmp_path, "seg_train", "seg_test")
    class_folders(tmp_path, seg_pred=3)
    trained, tested = data.from_folder(tmp_path, size=10)
    assert trained.classes == ("cats", "dogs") and len(trained) == len(tested) == 4
    assert "'seg_pred' has 3 pictures without a class" in capsys.readouterr().out


def test_test_pictures_without_a_class_are_said_and_the_split_is_drawn_from_the_rest(
    tmp_path, capsys
):
    split_into(tmp_path, "alphabet_train", A=4, B=4)
    class_folders(tmp_path, alphabet_test=2)
    trained, tested = data.from_folder(tmp_path, size=10)
    assert trained.classes == ("A", "B") and (len(trained), len(tested)) == (6, 2)
    assert "'alphabet_test' has 2 pictures without a class" in capsys.readouterr().out


def test_split_whose_classes_are_in_the_names_of_the_files_is_refused(tmp_path):
    class_folders(tmp_path, train=4, test1=2)
    with pytest.raises(ValueError, match="without a folder of a class in them: test1, train"):
        data.from_folder(tmp_path)


def test_folds_are_refused_and_not_taken_for_classes(tmp_path):
    split_into(tmp_path, "fold_0", "fold_1", "fold_2")
    with pytest.raises(ValueError, match="holds fold_0, fold_1, fold_2. Put one fold into"):
        data.from_folder(tmp_path)


@pytest.mark.parametrize(
    "folders, words",
    [
        (["train/a", "train/b", "unseen/a", "unseen/b"], "classes: train, unseen. Below"),
        (["colour/a", "colour/b", "grey/a", "grey/b"], "the same folders come again: a, b."),
        (["a", "b", "c/a", "c/b"], "Taken for classes: a, b, c. Below them the same"),
        (["train", "other"], "Taken for classes: train, other. If they are none"),
        (["cup/left", "pen/left"], ""),
    ],
)
def test_folders_that_may_be_no_classes_are_told(tmp_path, capsys, folders, words):
    for folder in folders:
        class_folders(tmp_path / folder, **{".": 2})
    assert set(both(tmp_path)) == {folder.partition("/")[0] for folder in folders}
    said = capsys.readouterr().out
    assert words in said and bool(words) == ("Taken for classes" in said)


def test_classes_whose_names_contain_such_words_stay_classes(tmp_path):
    class_folders(tmp_path, **{"steam train": 2, "test tube": 2, "car": 2})
    assert set(both(tmp_path)) == {"steam train", "test tube", "car"}


@pytest.mark.parametrize("suffix", ["jfif", "jpe", "TIF", "tiff", "ppm", "JPEG"])
def test_less_common_suffixes_are_read(tmp_path, suffix):
    class_folders(tmp_path, cats=2)
    (tmp_path / "birds").mkdir()
    kinds = {"tif": "TIFF", "tiff": "TIFF", "ppm": "PPM"}
    for number in range(2):
        raw = file_bytes(photo(12, 9), kinds.get(suffix.lower(), "JPEG"))
        (tmp_path / "birds" / f"{number}.{suffix}").write_bytes(raw)
    assert len(both(tmp_path)["birds"]) == 2


def test_pictures_without_a_suffix_are_known_by_how_they_begin(tmp_path, capsys):
    class_folders(tmp_path, cats=2, dogs=2)
    (tmp_path / "cats" / "5f2a").write_bytes(file_bytes(photo(12, 9), "JPEG"))
    (tmp_path / "cats" / "5f2b").write_bytes(file_bytes(photo(12, 9), "PPM"))
    (tmp_path / "cats" / "5f2c").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "cats" / "LICENSE").write_text("Take them.")
    assert len(both(tmp_path)["cats"]) == 4
    said = capsys.readouterr().out
    assert "cats/5f2c cannot be read" in said and "LICENSE" not in said


def test_what_is_not_read_is_counted_by_folder_with_what_to_do(tmp_path, capsys):
    class_folders(tmp_path, cats=2, dogs=2)
    for number in range(3):
        (tmp_path / "cats" / f"IMG_{number}.HEIC").write_bytes(b"x")
    (tmp_path / "dogs" / "film.avi").write_bytes(b"RIFF")  # as a WebP begins
    (tmp_path / "birds").mkdir()
    (tmp_path / "fish").mkdir()
    np.save(tmp_path / "fish" / "0.npy", np.zeros((3, 3)))
    both(tmp_path)
    said = capsys.readouterr().out
    for part in (
        "3 of 'cats' (.HEIC is not read here)",
        "1 of 'dogs' (.avi is not read here)",
        "1 of 'fish' (.npy is not read here)",
        "'birds' is empty",
        "Save HEIC as JPEG",
    ):
        assert part in said


@pytest.mark.parametrize("kinds, dots", [(8, 0), (9, 1)])
def test_eight_kinds_of_what_is_left_out_are_told(kinds, dots):
    left_out = {PurePosixPath(f"cats/1.x{kind}"): f".x{kind} is not read" for kind in range(kinds)}
    said = picture_files.told(left_out)
    assert (said.count("1 of 'cats' (.x"), said.count("; ...")) == (8, dots)


@pytest.mark.parametrize(
    "place",
    ["cats/@eaDir/0.png", "#recycle/cats", "$RECYCLE.BIN/cats", "$Recycle.Bin", "cats/@__thumb"],
)
def test_thumbnails_and_bins_of_systems_are_no_pictures(tmp_path, place):
    class_folders(tmp_path, cats=2, dogs=2)
    class_folders(tmp_path / place, thumbnails=2)
    assert {name: len(values) for name, values in both(tmp_path).items()} == {"cats": 2, "dogs": 2}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_pipe_under_a_pictures_name_is_named_and_never_waited_for(tmp_path, capsys):
    class_folders(tmp_path, cats=2, dogs=2)
    os.mkfifo(tmp_path / "cats" / "pipe.png")
    os.mkfifo(tmp_path / "cats" / "pipe")
    assert len(both(tmp_path)["cats"]) == 2
    assert "cats/pipe.png is no file but a pipe" in capsys.readouterr().out


def test_enormous_file_is_named_before_it_is_read(tmp_path, capsys, monkeypatch):
    class_folders(tmp_path, cats=2, dogs=2)
    largest = max(file.stat().st_size for file in tmp_path.rglob("*.png"))
    monkeypatch.setattr(picture_files, "FILE_AT_MOST", largest)  # which is not beyond it
    with open(tmp_path / "cats" / "disk.bmp", "wb") as file:
        file.truncate(30 << 30)
    assert len(both(tmp_path)["cats"]) == 2
    assert "cats/disk.bmp has 32,212,254,720 bytes" in capsys.readouterr().out


def test_enormous_archive_is_refused_before_it_is_read(tmp_path):
    with open(tmp_path / "pets.zip", "wb") as file:
        file.truncate(30 << 30)
    with pytest.raises(data.DamagedFile, match="32,212,254,720 bytes.*Unpack it"):
        data.from_folder(tmp_path / "pets.zip")


@pytest.mark.parametrize(
    "owner, step, name", [(os, "scandir", ""), (Path, "exists", ""), (Path, "read_bytes", ".zip")]
)
def test_what_may_not_be_opened_at_all_is_said(tmp_path, monkeypatch, owner, step, name):
    zipped(class_folders(tmp_path / "pets", cats=2, dogs=2), tmp_path / "pets.zip")

    def closed(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(owner, step, closed)
    words = rf"pets{name}' cannot be read \(Permission denied\). Does it belong to somebody else"
    for read in (data.from_folder, lambda path: data.load("sign-mnist", root=path)):
        with pytest.raises(OSError, match=words):
            read(tmp_path / f"pets{name}")


def test_folder_that_may_not_be_opened_is_named_and_the_rest_is_read(tmp_path, capsys, monkeypatch):
    class_folders(tmp_path, **{"cats": 2, "dogs": 2, "lost+found": 2})
    scandir = os.scandir

    def closed(path):
        if str(path).endswith("lost+found"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    assert set(both(tmp_path)) == {"cats", "dogs"}
    assert "'lost+found' cannot be opened (Permission denied)" in capsys.readouterr().out


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("name", ["pets.tar", "PETS.TGZ", "pets.dat"])
def test_tar_is_known_by_its_content(tmp_path, mode, name):
    with tarfile.open(tmp_path / name, mode) as archive:
        archive.add(class_folders(tmp_path / "pets", cats=2, dogs=2), "pets")
    assert set(both(tmp_path / name)) == {"cats", "dogs"}


def test_file_with_holes_in_a_tar_is_left_out_for_it_can_unpack_to_anything(tmp_path):
    holes = tarfile.TarInfo("pets/cats/holes.png")
    holes.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(1 << 40)}
    with tarfile.open(tmp_path / "pets.tar", "w") as archive:
        archive.add(class_folders(tmp_path / "pets", cats=2, dogs=2), "pets")
        archive.addfile(holes)
    assert len(both(tmp_path / "pets.tar")["cats"]) == 2


def test_zip_is_known_by_its_content(tmp_path):
    folder = class_folders(tmp_path / "pets", cats=2, dogs=2)
    zipped(folder, tmp_path / "pets.zip").rename(tmp_path / "pets (1).download")
    assert set(both(tmp_path / "pets (1).download")) == {"cats", "dogs"}


@pytest.mark.parametrize("beginning", [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"])
def test_other_archives_are_named_with_what_to_do(tmp_path, beginning):
    (tmp_path / "pets.zip").write_bytes(beginning + bytes(100))
    with pytest.raises(data.DamagedFile, match="7z or rar archive.*Unpack it"):
        data.from_folder(tmp_path / "pets.zip")


@pytest.mark.parametrize("classes", [("café", "thé"), ("قطط", "كلاب"), ("猫", "犬")])
def test_names_in_a_zip_are_read_as_utf_8_where_nothing_says_so(tmp_path, classes):
    path = tmp_path / "mac.zip"
    with ZipFile(path, "w") as archive:
        for name in [f"{name}/{number}.png" for name in classes for number in range(2)]:
            archive.writestr(name, file_bytes(photo(12, 9)))
    content = bytearray(path.read_bytes())
    for sign, flag in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # the flag that says UTF-8 is cleared
        at = content.find(sign)
        while at >= 0:
            content[at + flag + 1] &= ~0x08
            at = content.find(sign, at + 1)
    path.write_bytes(content)
    assert set(both(path)) == set(classes)


def test_names_of_old_windows_zips_stay_readable(tmp_path):
    path = tmp_path / "old.zip"
    with ZipFile(path, "w") as archive:
        for name in ("K_he", "V_gel"):
            for number in range(2):
                archive.writestr(f"{name}/{number}.png", file_bytes(photo(12, 9)))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"K_he", b"K\x81he").replace(b"V_gel", b"V\x94gel"))
    assert set(both(path)) == {"Kühe", "Vögel"}


def test_two_spellings_of_one_accent_are_one_class_and_lose_no_picture(tmp_path):
    class_folders(tmp_path, **{"caf\u00e9": 2, "cafe\u0301": 2, "dogs": 2})
    assert {name: len(values) for name, values in both(tmp_path).items()} == {"café": 4, "dogs": 2}


def test_path_is_taken_as_people_paste_it(tmp_path, monkeypatch):
    folder = class_folders(tmp_path / "my pets", cats=2, dogs=2)
    monkeypatch.setenv("HOME", str(tmp_path))
    for text in (f'"{folder}"', f"'{folder}' ", f" {folder}\n", "~/my pets", folder.as_uri()):
        assert set(both(text)) == {"cats", "dogs"}


def test_folder_whose_name_has_quotes_is_itself(tmp_path):
    class_folders(tmp_path / '"pets"', cats=2, dogs=2)
    assert set(both(tmp_path / '"pets"')) == {"cats", "dogs"}


def test_one_picture_and_a_text_are_no_folder(tmp_path):
    (tmp_path / "CAT.PNG").write_bytes(file_bytes(photo(12, 9)))
    with pytest.raises(ValueError, match="is one picture. Give the folder"):
        data.from_folder(tmp_path / "CAT.PNG")
    (tmp_path / "cats.txt").write_text("cats")
    with pytest.raises(data.DamagedFile, match="'cats.txt' is not a zip file"):
        data.from_folder(tmp_path / "cats.txt")


@pytest.mark.parametrize(
    "text", ["", "  ", "x" * 5000, "~nobody-here/pets", "https://a.b/pets.zip"]
)
def test_text_that_is_no_path_is_answered_in_a_sentence(text):
    with pytest.raises(FileNotFoundError, match="no folder or zip at"):
        data.from_folder(text)


def test_class_may_be_called_like_the_folder_of_downloads(tmp_path):
    class_folders(tmp_path, incoming=2, outgoing=2)
    class_folders(tmp_path / "outgoing", incoming=1)
    assert {name: len(values) for name, values in both(tmp_path).items()} == {
        "incoming": 2,
        "outgoing": 3,
    }


def test_folders_that_link_to_each_other_are_each_read_once(tmp_path):
    names = [f"class {number}" for number in range(9)]
    class_folders(tmp_path, **{name: 2 for name in names})
    for one in names:
        for other in names:
            (tmp_path / one / other).symlink_to(tmp_path / other)
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    assert {name: len(values) for name, values in both(tmp_path).items()} == dict.fromkeys(names, 2)


def test_names_in_an_archive_that_point_elsewhere_lie_inside(tmp_path):
    with ZipFile(tmp_path / "pets.zip", "w") as archive:
        for name in ("/cats/1.png", "../cats/2.png", "C/../dogs/1.png", "/dogs/2.png"):
            archive.writestr(name.replace("C/", ""), file_bytes(photo(12, 9)))
    assert set(both(tmp_path / "pets.zip")) == {"cats", "dogs"}


@pytest.mark.parametrize("size", [0, -3, "64", 12.5, None, (32, 16), (), 10_001])
def test_size_that_is_none_is_refused_in_a_sentence(tmp_path, size):
    with pytest.raises(ValueError, match="size is the side of a square in pixels, such as 128"):
        data.from_folder(class_folders(tmp_path, cats=2, dogs=2), size=size)


def test_size_may_be_a_pair_as_elsewhere(tmp_path):
    train, _ = data.from_folder(class_folders(tmp_path, cats=2, dogs=2), size=(32, 32))
    assert tuple(train.images.shape[1:]) == (3, 32, 32)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"seed": None}, "seed is a whole number"),
        ({"seed": "1"}, "seed is a whole number"),
        ({"test_fraction": 1}, "must lie between 0 and 1, such as 0.25, or be 0"),
        ({"test_fraction": -0.1}, "must lie between 0 and 1"),
        ({"test_fraction": "0.25"}, "must lie between 0 and 1"),
        ({"test_fraction": None}, "must lie between 0 and 1"),
    ],
)
def test_split_that_cannot_be_drawn_is_refused_in_a_sentence(tmp_path, change, words):
    with pytest.raises(ValueError, match=words):
        data.from_folder(class_folders(tmp_path, cats=2, dogs=2), size=10, **change)


# --- real folders ---


@needs_testdata
@pytest.mark.parametrize("folder", ["flowers5", "cifar10_jpg"])
def test_real_folder_has_the_pictures_of_the_manifest(folder):
    rows = [
        line.split("\t")[2].split("/")[1:]
        for line in (TESTDATA / "MANIFEST.tsv").read_text("utf-8").splitlines()
        if f"\t{folder}/" in line
    ]
    train, test = data.from_folder(TESTDATA / folder, size=32)
    if folder == "flowers5":
        assert len(train) + len(test) == len(rows) and set(train.classes) == {
            row[0] for row in rows
        }
    else:
        assert [len(train), len(test)] == [
            sum(row[0] == split for row in rows) for split in ("train", "test")
        ]
    counts = torch.bincount(train.labels) + torch.bincount(test.labels)
    assert {name: int(count) for name, count in zip(train.classes, counts)} == {
        name: sum(row[-2] == name for row in rows) for name in train.classes
    }
