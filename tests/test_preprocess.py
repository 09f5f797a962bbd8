"""What a net is given of a picture: the same from a file, from PIL, from an array and from a tensor, or a sentence."""

import io

import numpy as np
import pytest
import timm
import torch
from helpers import file_bytes, photo
from PIL import Image
from torchvision.transforms.v2 import functional as F

from workshop_utils import data, models
from workshop_utils.data.pictures import decode

READ = models.preprocessing(resize=40, crop=32, mean=[0.5] * 3, std=[0.5] * 3)


def resized_whole(pixels):
    """By hand: scaled as a whole, then cut."""
    pixels = F.resize(F.grayscale_to_rgb(pixels), [40], READ.interpolation, antialias=True)
    return F.center_crop(pixels, [32]).float() / 127.5 - 1


def ramp(top, dtype=np.uint16):
    return Image.fromarray(np.tile(np.linspace(0, top, 64), (64, 1)).astype(dtype))


def see_through(mode):
    picture = photo(50, 44, "RGBA")
    picture.putalpha(Image.linear_gradient("L").resize((50, 44)))
    return picture.convert(mode)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return file_bytes(photo(60, 44), exif=exif)


FILES = {
    "turned by the camera": turned(),
    "16 bits": file_bytes(ramp(65535)),
    "12 bits in 16": file_bytes(ramp(4095)),
    "1 bit": file_bytes(photo(50, 44, "1")),
    "palette": file_bytes(photo(50, 44, "P")),
    "transparent": file_bytes(see_through("RGBA")),
    "transparent grey": file_bytes(see_through("LA")),
    "of printers": file_bytes(photo(50, 44, "CMYK"), "JPEG"),
}


@pytest.mark.parametrize("raw", FILES.values(), ids=FILES)
def test_opened_picture_is_read_as_its_file(raw):
    found = READ(Image.open(io.BytesIO(raw)))
    torch.testing.assert_close(found, READ(decode(raw)), atol=0, rtol=0)
    torch.testing.assert_close(found, resized_whole(decode(raw)))


def test_phone_picture_stands_upright():
    picture = Image.open(io.BytesIO(turned()))
    assert decode(picture).shape[1:] == (60, 44)
    assert picture.size == (60, 44)  # the reader's own stays as it is


@pytest.mark.parametrize(
    "picture, greatest",
    [
        (ramp(65535), 255),
        (ramp(4095), 255),
        (ramp(3000), 186),
        (ramp(4096), 15),
        (ramp(200), 200),
        (ramp(0), 0),
        (ramp(60000, np.int32), 233),
        (ramp(1, np.float32), 255),
        (ramp(255, np.float32), 255),
        (ramp(65535, np.float32), 255),
    ],
)
def test_more_bits_than_eight_are_scaled_by_the_depth_that_holds_them(picture, greatest):
    shown = decode(picture)[0, 0].tolist()
    assert shown == sorted(shown) and (shown[0], shown[-1]) == (0, greatest)


def test_whole_numbers_kept_as_fractions_come_back():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    fractions = levels / np.float32(255)
    turned_twice = 1 - (255 - levels) / np.float32(255)  # some end a little below
    for values in (fractions, turned_twice, levels.astype(np.float32), levels.astype(np.int32)):
        np.testing.assert_array_equal(decode(Image.fromarray(values), channels=1)[0], levels)


@pytest.mark.parametrize("values", [-1000, 70_000, float("nan"), float("inf")])
def test_values_that_are_no_brightness_are_refused_with_their_range(values):
    picture = Image.fromarray(np.full((8, 8), values, np.float32))
    with pytest.raises(
        ValueError, match=r"This picture has values from .* scale them to 0 to 65,5"
    ):
        READ(picture)


def test_damaged_note_of_a_camera_beside_the_one_that_turns_costs_nothing():
    exif = Image.Exif()
    exif[0x0112], exif[0x011A] = 6, 72.0
    damaged = exif.tobytes().replace(b"\x01\x1a\x00\x05", b"\x01\x0f\x00\x05")
    assert decode(file_bytes(photo(30, 20), "JPEG", exif=damaged)).shape == (3, 30, 20)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_array_tensor_and_batch_agree_with_the_picture(mode):
    picture = see_through(mode)
    array, expected = np.asarray(picture), READ(picture)
    pixels = torch.from_numpy(array.reshape(44, 50, -1).copy()).permute(2, 0, 1)
    for same in (READ(array), READ(pixels), READ(torch.stack([pixels, pixels]))[1]):
        torch.testing.assert_close(same, expected, atol=0, rtol=0)


def test_grey_array_may_have_its_channel_or_not():
    array = np.asarray(photo(50, 44, "L"))
    torch.testing.assert_close(READ(array[:, :, None]), READ(array), atol=0, rtol=0)


def test_every_degree_of_transparency_is_rounded_as_pillow_does():
    levels = torch.arange(256, dtype=torch.uint8)
    pixels = torch.stack([levels.repeat(256), levels.repeat_interleave(256)]).view(2, 256, 256)
    picture = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy(), "LA")
    whole = models.preprocessing(resize=256, crop=256, mean=[0.5] * 3, std=[0.5] * 3)
    assert torch.equal(whole(pixels), whole(picture))


@pytest.mark.parametrize("sides", [(3, 20_000), (20_000, 3), (39, 9_999), (1, 1_000_000)], ids=str)
def test_strip_is_not_enlarged_as_a_whole(sides, monkeypatch):
    resize, seen = F.resize, []
    monkeypatch.setattr(
        F,
        "resize",
        lambda pixels, *rest, **more: seen.append(pixels) or resize(pixels, *rest, **more),
    )
    strip = torch.randint(0, 256, (3, *sides), dtype=torch.uint8)
    assert READ(strip).shape == (3, 32, 32)
    assert seen[0].numel() * (40 / min(sides)) ** 2 <= 3 * 17 * 40 * 40


def test_middle_of_a_strip_is_the_one_of_the_whole():
    smooth = torch.linspace(0, 255, 3_001).round().to(torch.uint8).expand(3, 5, 3_001)
    assert (READ(smooth) - resized_whole(smooth)).abs().max() < 0.02


@pytest.mark.parametrize(
    "sides", [(28, 28), (30, 300), (300, 21), (200, 3_000), (39, 620)], ids=str
)
def test_other_pictures_are_scaled_as_a_whole(sides):
    pixels = torch.randint(0, 256, (2, 3, *sides), dtype=torch.uint8)
    torch.testing.assert_close(READ(pixels), resized_whole(pixels))


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        (torch.zeros(3, 8, 8), r"must be uint8, from 0 to 255; these are torch.float32.*\* 255"),
        (torch.zeros(3, 8, 8, dtype=torch.int64), "must be uint8.*torch.int64"),
        (torch.zeros(8, 8, dtype=torch.uint8), r"shape \(8, 8\) is no picture"),
        (torch.zeros(8, 8, 3, dtype=torch.uint8), r"pixels.permute\(2, 0, 1\)"),
        (torch.zeros(5, 8, 8, dtype=torch.uint8), "1 to 4 channels"),
        (torch.zeros(0, 3, 8, 8, dtype=torch.uint8), r"\(0, 3, 8, 8\) is no picture"),
        (torch.zeros(3, 0, 8, dtype=torch.uint8), "no side of 0"),
        (np.zeros((3, 8, 8), np.uint8), r"array of shape \(3, 8, 8\) and type uint8 is no picture"),
        (np.zeros((8, 8, 3)), "type float64 is no picture; expected is uint8"),
        (np.zeros(()), r"shape \(\)"),
        (Image.new("RGB", (0, 8)), "has no pixels"),
        ("cat.jpg", r"A str is no picture. Give a PIL picture, as PIL.Image.open\(path\)"),
        (None, "A NoneType is no picture"),
    ],
)
def test_what_is_no_picture_gets_a_sentence(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        READ(wrong)


def test_picture_whose_file_breaks_off_gets_a_sentence():
    raw = file_bytes(photo(400, 300), "JPEG")
    with pytest.raises(data.DamagedFile, match="This picture cannot be read"):
        READ(Image.open(io.BytesIO(raw[: len(raw) // 2])))


@pytest.mark.parametrize(
    "mean, std",
    [
        ([0.5] * 3, [0.5, 0.5, 0]),
        ([0.5] * 2, [0.5] * 3),
        ([0.5], [0.5, float("nan"), 0.5]),
        (125, 50),
    ],
)
def test_numbers_that_fit_no_picture_are_refused(mean, std):
    with pytest.raises(ValueError, match="one number for each of 3 channels, or one for all"):
        models.preprocessing(resize=40, crop=32, mean=mean, std=std)


def test_one_number_stands_for_all_channels():
    one = models.preprocessing(resize=40, crop=32, mean=0.5, std=0.5)
    torch.testing.assert_close(one(photo(50, 44)), READ(photo(50, 44)))
    assert one == READ and hash(one) == hash(READ)


@pytest.mark.parametrize("side", [0, (64, 64), 2.5])
def test_side_that_is_no_number_of_pixels_is_refused(side):
    with pytest.raises(ValueError, match="resize is .*: give a whole number, 1 or more"):
        models.preprocessing(resize=side, crop=32, mean=0.5, std=0.5)


def test_net_of_timm_that_wants_the_whole_picture_is_refused():
    net = timm.create_model("convnext_tiny.fb_in22k_ft_in1k_384")
    with pytest.raises(ValueError, match="crop_mode 'squash'"):
        models.timm_preprocessing(net)
