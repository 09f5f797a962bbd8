"""One file is a data set everywhere: declared in a module of `data.sets`, it is listed, loaded, downloaded, mirrored and shown."""

import gzip
import hashlib
import importlib
import re
import sys

import numpy as np
import pytest
import torch
from servers import change_card, published, serve, server

from workshop_utils import __main__ as commands
from workshop_utils import data, widgets
from workshop_utils.data import bundled_files, sets
from workshop_utils.tools import mirror

MODULE = '''
"""Stripes, standing or lying: a byte for the label, then 8 x 8 grey pixels."""

import torch

from workshop_utils.data.cards import DatasetCard, RemoteFile


def read(card, split, files):
    (raw,) = files.contents(f"{split}.bin")
    rows = torch.frombuffer(bytearray(raw), dtype=torch.uint8).view(-1, 65)
    return rows[:, 1:].reshape(-1, 1, 8, 8), rows[:, 0].long()


CARDS = (
    DatasetCard(
        name="stripes",
        title="Stripes",
        classes=("standing", "lying"),
        shape=(1, 8, 8),
        train=6,
        test=4,
        licence="CC0",
        note="Drawn by a test.",
        files=FILES,
        read=read,
    ),
)
'''


def stripes(count: int) -> bytes:
    pixels = np.random.default_rng(count).integers(0, 256, (count, 65), dtype=np.uint8)
    pixels[:, 0] = np.arange(count) % 2
    return pixels.tobytes()


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host with the files of a set that a module outside of the package declares."""
    monkeypatch.setenv("WORKSHOP_DATA", str(tmp_path / "home"))
    monkeypatch.delenv("WORKSHOP_MIRROR", raising=False)
    contents = {"/train.bin": stripes(6), "/test.bin": stripes(4)}
    with server(lambda handler: serve(contents[handler.path])(handler)) as host:
        files = tuple(published(name[1:], raw, host.url + name) for name, raw in contents.items())
        (tmp_path / "more").mkdir()
        (tmp_path / "more" / "stripes.py").write_text(MODULE.replace("FILES", repr(files)))
        monkeypatch.setattr(sets, "__path__", [*sets.__path__, str(tmp_path / "more")])
        importlib.invalidate_caches()
        yield host
    sys.modules.pop("workshop_utils.data.sets.stripes", None)


def test_new_set_is_listed_and_its_neighbours_stay_as_they_were(host, monkeypatch):
    names = [card.name for card in data.catalog()]
    assert names[-1] == "stripes" and "stripes" in repr(data.catalog())
    monkeypatch.setattr(sets, "__path__", sets.__path__[:-1])
    assert [card.name for card in data.catalog()] == names[:-1]
    with pytest.raises(ValueError, match="No dataset is called 'stripes'"):
        data.card("stripes")


def test_new_set_is_downloaded_verified_and_loaded(host, capsys):
    with pytest.raises(ValueError, match=re.escape('data.load("stripes", source="full") brings')):
        data.load("stripes")
    train, test = (data.load("stripes", split, source="full") for split in ("train", "test"))
    assert (len(train), len(test), train.shape) == (6, 4, (1, 8, 8))
    assert train.images.flatten(1).numpy().tobytes() == b"".join(
        stripes(6)[start + 1 : start + 65] for start in range(0, 6 * 65, 65)
    )
    assert torch.equal(test.mean, train.mean) and train.classes == ("standing", "lying")
    assert host.asked == ["/train.bin", "/test.bin"]


def test_new_set_is_downloaded_by_the_command_and_served_by_the_mirror(host, tmp_path, capsys):
    assert commands.main(["download", "stripes", "--to", str(tmp_path / "room")]) == 0
    assert set(mirror.served(tmp_path / "room")) == {"/stripes/train.bin", "/stripes/test.bin"}
    assert len(data.load("stripes", "test", root=tmp_path / "room" / "stripes")) == 4


def test_cut_of_a_new_set_that_comes_with_the_course_is_loaded_without_a_network(
    host, tmp_path, monkeypatch
):
    """Bundled files are a folder of gzipped ones, with their sums in the list beside them."""
    packed = {name: gzip.compress(stripes(2)) for name in ("train.bin", "test.bin")}
    (tmp_path / "bundled" / "stripes").mkdir(parents=True)
    for name, raw in packed.items():
        (tmp_path / "bundled" / "stripes" / f"{name}.gz").write_bytes(raw)
    (tmp_path / "bundled" / "SHA256SUMS").write_text(
        "".join(
            f"{hashlib.sha256(raw).hexdigest()}  stripes/{name}.gz\n"
            for name, raw in packed.items()
        )
    )
    monkeypatch.setattr(bundled_files, "BUNDLED", tmp_path / "bundled")
    change_card(monkeypatch, "stripes", bundled=(2, 2))
    assert len(data.load("stripes")) == len(data.load("stripes", "test")) == 2 and not host.asked


def test_new_set_is_a_choice_of_the_browser(host):
    assert "stripes" in repr(widgets.browser().controls["name"].options)
