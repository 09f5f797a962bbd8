"""Fetching from hosts that behave badly, into folders that do: correct data or a sentence, and nothing half-written."""

import gzip
import os
import random
import sys
import time
import types

import numpy as np
import pytest
import torch
from helpers import disk_with, idx, started_python
from servers import change_card, cut, drip, flood, pour, published, redirect, serve, server

from workshop_utils import __main__ as commands
from workshop_utils import data
from workshop_utils.data import download as fetch

CONTENT = bytes(range(256)) * 40


def slow(handler):
    """An answer that comes whole, a kilobyte at a time."""
    serve(b"", length=len(CONTENT))(handler)
    for start in range(0, len(CONTENT), 1024):
        handler.wfile.write(CONTENT[start : start + 1024])
        time.sleep(0.06)


def silence(handler):
    """Takes the question and never answers; the good host that is asked next has time again."""
    fetch.SILENT_SECONDS = 5
    time.sleep(5)


@pytest.fixture(autouse=True)
def impatient(request, monkeypatch):
    """The waits of a real network, shortened, and long enough that a good host keeps its turn on a busy computer."""
    silent = 1 if "silence" in request.node.name else 5
    monkeypatch.setattr(fetch, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(fetch, "SILENT_SECONDS", silent)
    monkeypatch.setattr(fetch, "WINDOW_SECONDS", 0.3)
    monkeypatch.setattr(fetch, "SLOWEST", 2_000)  # the drip sends 100 bytes a second
    monkeypatch.setattr(fetch, "PAUSE_SECONDS", 0.01)
    monkeypatch.delenv("WORKSHOP_MIRROR", raising=False)


def left_in(folder):
    """Every file below a folder but its lock."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


BAD = {
    "404": (serve(b"no", 404), "answered 404"),
    "503": (serve(b"busy", 503), "answered 503"),
    "truncated": (cut(CONTENT), "broke off"),
    "wrong bytes": (serve(CONTENT[::-1]), "another sum"),
    "cut short": (serve(CONTENT[:-1]), "another sum"),
    "a byte long": (serve(CONTENT + b"x"), "another sum"),
    "drip": (drip, "slower than"),
    "flood": (flood, "sent more than"),
    "silence": (silence, "sent nothing"),
    "empty": (serve(b""), "another sum"),
    "redirect in a circle": (redirect("/"), "from one address to the next"),
    "redirect to nowhere": (redirect("http://127.0.0.1:1/"), "could not be reached"),
}


@pytest.mark.parametrize("answer, sentence", BAD.values(), ids=BAD)
def test_bad_host_loses_its_turn_and_the_next_one_delivers(tmp_path, answer, sentence):
    with server(answer) as bad, server(serve(CONTENT)) as good:
        file = published("set.bin", CONTENT, f"{bad.url}/set.bin", f"{good.url}/set.bin")
        assert fetch.fetch(file, tmp_path, "set").read_bytes() == CONTENT
        assert bad.asked and good.asked
    assert left_in(tmp_path) == {"set.bin": CONTENT}


@pytest.mark.parametrize("answer, sentence", BAD.values(), ids=BAD)
def test_last_bad_host_is_answered_with_its_name_and_reason_and_leaves_nothing(
    tmp_path, answer, sentence
):
    with (
        server(answer) as bad,
        pytest.raises(
            ConnectionError, match=f"1 asked, none delivered set.bin: 127.0.0.1:\\d+ .*{sentence}"
        ),
    ):
        fetch.fetch(published("set.bin", CONTENT, f"{bad.url}/set.bin"), tmp_path, "set")
    assert left_in(tmp_path) == {}


def test_redirect_is_followed(tmp_path):
    with server(serve(CONTENT)) as good, server(redirect(f"{good.url}/there")) as here:
        assert (
            fetch.fetch(published("set.bin", CONTENT, here.url), tmp_path, "set").read_bytes()
            == CONTENT
        )


def test_chunked_body_without_a_length_is_read(tmp_path):
    def chunked(handler):
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for start in range(0, len(CONTENT), 4096):
            part = CONTENT[start : start + 4096]
            handler.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    with server(chunked) as good:
        assert (
            fetch.fetch(published("set.bin", CONTENT, good.url), tmp_path, "set").read_bytes()
            == CONTENT
        )


@pytest.fixture
def patient_with_the_last(monkeypatch):
    """Every host is too slow but the last, however rarely a busy computer lets it send."""
    monkeypatch.setattr(fetch, "SLOWEST", 10**9)
    monkeypatch.setattr(fetch, "SLOWEST_OF_THE_LAST", 1)


def test_last_host_may_be_slow_but_not_dead(tmp_path, patient_with_the_last):
    with server(drip) as first, server(slow) as last:
        assert (
            fetch.fetch(
                published("set.bin", CONTENT, first.url, last.url), tmp_path, "set"
            ).read_bytes()
            == CONTENT
        )
        assert last.asked


def test_whole_file_is_not_fetched_again_and_a_damaged_one_is(tmp_path):
    with server(serve(CONTENT)) as good:
        file = published("set.bin", CONTENT, good.url)
        fetch.fetch(file, tmp_path, "set")
        fetch.fetch(file, tmp_path, "set")
        assert len(good.asked) == 1
        (tmp_path / "set.bin").write_bytes(CONTENT[:-1])
        assert fetch.fetch(file, tmp_path, "set").read_bytes() == CONTENT and len(good.asked) == 2


def test_mirror_nearby_is_asked_first_and_cannot_plant_data(tmp_path, monkeypatch):
    with (
        server(serve(CONTENT)) as home,
        server(serve(b"planted")) as hostile,
        server(serve(CONTENT)) as honest,
    ):
        file = published("set.bin", CONTENT, home.url)
        monkeypatch.setenv("WORKSHOP_MIRROR", f"{hostile.url}/")
        assert fetch.fetch(file, tmp_path / "a", "set").read_bytes() == CONTENT
        assert hostile.asked == ["/set/set.bin"] and home.asked
        monkeypatch.setenv("WORKSHOP_MIRROR", honest.url)
        home.asked.clear()
        assert fetch.fetch(file, tmp_path / "b", "set").read_bytes() == CONTENT and not home.asked


def test_redirects_body_is_not_read(tmp_path):
    def endless(handler):
        handler.send_response(302)
        handler.send_header("Location", good.url)
        handler.end_headers()
        pour(handler)

    with server(serve(CONTENT)) as good, server(endless) as bad:
        assert (
            fetch.fetch(published("set.bin", CONTENT, bad.url), tmp_path, "set").read_bytes()
            == CONTENT
        )


def test_mirrors_password_is_not_shown_and_an_impossible_address_is_named(tmp_path, monkeypatch):
    for address, shown in (
        ("http://me:secret@127.0.0.1:1", "127.0.0.1:1 could not be reached"),
        ("http://[::1", r"http://\[::1.* "),
    ):
        monkeypatch.setenv("WORKSHOP_MIRROR", address)
        with pytest.raises(ConnectionError, match=shown) as caught:
            fetch.fetch(published("set.bin", CONTENT), tmp_path, "set")
        assert "secret" not in str(caught.value)


def test_slow_mirror_is_not_given_up_for_a_public_host(
    tmp_path, monkeypatch, patient_with_the_last
):
    with server(slow) as near, server(serve(CONTENT)) as public:
        monkeypatch.setenv("WORKSHOP_MIRROR", near.url)
        file = published("set.bin", CONTENT, f"{public.url}/set.bin")
        assert fetch.fetch(file, tmp_path, "set").read_bytes() == CONTENT and not public.asked


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("address", [None, "socks5://127.0.0.1:1"])
def test_mirror_is_asked_without_the_networks_proxy_and_others_through_it(
    tmp_path, monkeypatch, name, address
):
    for other in ("http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(other, raising=False)
        monkeypatch.delenv(other.upper(), raising=False)
    with server(serve(CONTENT)) as near, server(serve(b"policy denied", 403)) as proxy:
        monkeypatch.setenv(name, address or proxy.url)
        monkeypatch.setenv("WORKSHOP_MIRROR", near.url.removeprefix("http://"))
        file = published("set.bin", CONTENT, "http://elsewhere.example/set.bin")
        assert fetch.fetch(file, tmp_path / "a", "set").read_bytes() == CONTENT
        assert near.asked == ["/set/set.bin"] and not proxy.asked
        monkeypatch.delenv("WORKSHOP_MIRROR")
        words = "only http and https can" if address else "answered 403"
        with pytest.raises(ConnectionError, match=f"elsewhere.example .*{words}"):
            fetch.fetch(file, tmp_path / "b", "set")
        assert address or proxy.asked == ["http://elsewhere.example/set.bin"]


# --- lines that break ---

LONG = random.Random(0).randbytes(300_000)


def breaking(length: int, *, ranges: bool):
    """Every answer breaks off after so many bytes; `ranges`: whether it begins where the question says."""

    def answer(handler):
        asked = handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-")
        first = int(asked) if ranges else 0
        handler.send_response(206 if first else 200)
        if first:
            handler.send_header("Content-Range", f"bytes {first}-{len(LONG) - 1}/{len(LONG)}")
        handler.send_header("Content-Length", str(len(LONG) - first))
        handler.end_headers()
        handler.wfile.write(LONG[first : first + length])

    return answer


def test_line_that_breaks_goes_on_where_it_broke(tmp_path):
    with server(breaking(100_000, ranges=True)) as host:
        file = published("set.bin", LONG, f"{host.url}/set.bin")
        assert fetch.fetch(file, tmp_path, "set").read_bytes() == LONG and len(host.asked) == 3


@pytest.mark.parametrize(
    "length, ranges, questions", [(100_000, False, 2), (1_000, True, 1)], ids=["anew", "crumbs"]
)
def test_line_that_breaks_without_getting_further_ends(tmp_path, length, ranges, questions):
    with server(breaking(length, ranges=ranges)) as host:
        file = published("set.bin", LONG, f"{host.url}/set.bin")
        with pytest.raises(ConnectionError, match="broke off"):
            fetch.fetch(file, tmp_path, "set")
        assert len(host.asked) == questions
    assert left_in(tmp_path) == {}


def test_length_that_is_told_too_long_costs_nothing(tmp_path):
    with server(serve(CONTENT, length=len(CONTENT) + 9)) as host:
        file = published("set.bin", CONTENT, f"{host.url}/set.bin")
        assert fetch.fetch(file, tmp_path, "set").read_bytes() == CONTENT


PACKED = gzip.compress(CONTENT)


@pytest.mark.parametrize(
    "name, content, sent, told",
    [
        ("set.bin", CONTENT, PACKED, True),
        ("set.bin", CONTENT, PACKED, False),
        ("set.bin", CONTENT, CONTENT, True),
        ("set.gz", PACKED, PACKED, True),
        ("set.gz", PACKED, PACKED, False),
        ("set.gz", PACKED, gzip.compress(PACKED), True),
    ],
    ids=["packed", "packed, and not said", "said only", "gz said only", "gz", "gz packed"],
)
def test_file_that_a_proxy_packed_is_unpacked_and_one_that_is_only_said_to_be_is_not(
    tmp_path, name, content, sent, told
):
    def answer(handler):
        assert handler.headers["Accept-Encoding"] == "identity"
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        if told:
            handler.send_header("Content-Length", str(len(sent)))
        handler.end_headers()
        handler.wfile.write(sent)

    with server(answer) as host:
        file = published(name, content, f"{host.url}/{name}")
        assert fetch.fetch(file, tmp_path, "set").read_bytes() == content


def test_page_of_a_wifi_that_wants_a_log_in_is_no_file(tmp_path):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        handler.wfile.write(b"<html>Welcome</html>")

    with server(answer) as login, server(redirect(f"{login.url}/welcome")) as host:
        file = published("set.bin", CONTENT, f"{host.url}/set.bin")
        with pytest.raises(ConnectionError, match="a web page instead of the file.*log in"):
            fetch.fetch(file, tmp_path, "set")


@pytest.mark.parametrize("address", ["ftp://192.168.1.7", "http://192.168.1.7:port"])
def test_address_of_a_mirror_that_cannot_be_is_named(tmp_path, monkeypatch, address):
    monkeypatch.setenv("WORKSHOP_MIRROR", address)
    with pytest.raises(ConnectionError, match="only http and https can|is no address of the form"):
        fetch.fetch(published("set.bin", CONTENT), tmp_path, "set")


def test_page_that_wifi_puts_in_between_is_named():
    import requests

    assert "log in" in fetch.network_reason(
        requests.exceptions.SSLError()
    ) and "proxy" in fetch.network_reason(requests.exceptions.ProxyError())


def test_mirrors_address_may_come_without_http(monkeypatch):
    monkeypatch.setenv("WORKSHOP_MIRROR", "192.168.1.7:8000/")
    assert fetch.addresses(published("set.bin", b"", "https://home/set.bin"), "set") == (
        "http://192.168.1.7:8000/set/set.bin",
        "https://home/set.bin",
    )


# --- several processes, killed processes ---

FETCH = (
    "import os, sys; sys.path.insert(0, 'tests')\nfrom servers import published\nfrom workshop_utils.data import download\nfrom pathlib import Path\n"
    # a busy computer may take its time
    "download.CONNECT_SECONDS = download.SILENT_SECONDS = download.WINDOW_SECONDS = 3600\n"
    "def fetch():\n"
    "    file = published('set.bin', bytes(range(256)) * 40, sys.argv[1])\n"
    "    print(len(download.fetch(file, Path(sys.argv[2]), 'set').read_bytes()), flush=True)\n"
)
# Forked before anything runs in a second thread, for eleven imports of torch would take a minute. The first is killed in the
# middle of a download that never ends.
ELEVEN = """
import signal, time
sys.argv[1:] = sys.argv[2:] + sys.argv[1:2]
endless, folder = sys.argv[3], Path(sys.argv[2])
first = os.fork()
if not first:
    sys.argv[1] = endless
    fetch(); os._exit(0)
while not any((folder / 'incoming').glob('*')):
    time.sleep(0.02)
    assert os.waitpid(first, os.WNOHANG) == (0, 0)
os.kill(first, signal.SIGKILL)
print(os.waitpid(first, 0)[1] == signal.SIGKILL, sorted(path.name for path in folder.iterdir()))
children = []
for _ in range(10):
    children.append(os.fork())
    if not children[-1]:
        fetch(); os._exit(0)
sys.exit(max(os.waitpid(child, 0)[1] for child in children))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="ten processes are forked from one")
def test_ten_processes_that_ask_at_once_after_a_killed_one_fetch_once(tmp_path):
    def slow(handler):
        time.sleep(0.5)
        serve(CONTENT)(handler)

    with server(slow) as good, server(drip) as endless:
        eleven = started_python(FETCH + ELEVEN, endless.url, good.url, str(tmp_path))
        said, complaints = eleven.communicate()
        assert eleven.returncode == 0 and said.count(f"{len(CONTENT)}") == 10, complaints
        assert said.startswith("True ['.lock', 'incoming']") and len(good.asked) == 1
    assert left_in(tmp_path) == {"set.bin": CONTENT}


# --- disks ---


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or sys.platform == "win32",
    reason="limits the size of files as Unix does",
)
def test_full_disk_is_the_disks_fault_and_leaves_nothing(tmp_path):
    with server(serve(CONTENT)) as good:
        file = published("set.bin", CONTENT, good.url)
        with disk_with(4096), pytest.raises(OSError, match=f"'{tmp_path}' cannot be written"):
            fetch.fetch(file, tmp_path, "set")
    assert left_in(tmp_path) == {}


def test_folder_that_cannot_be_made_names_the_variable_that_moves_it(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        OSError, match="cannot be written.*set the environment variable WORKSHOP_DATA"
    ):
        fetch.fetch(
            published("set.bin", CONTENT, "http://127.0.0.1:1/"), tmp_path / "file" / "set", "set"
        )


def test_data_home_is_where_workshop_data_says(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKSHOP_DATA", str(tmp_path))
    assert data.data_home() == tmp_path
    monkeypatch.delenv("WORKSHOP_DATA")
    assert "image-classification-workshop" in str(data.data_home())


# --- through data.load ---


@pytest.fixture
def small_mnist(monkeypatch, tmp_path):
    """MNIST's card with four small published files; their bytes by name."""
    monkeypatch.setenv("WORKSHOP_DATA", str(tmp_path / "home"))
    pixels = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    labels = np.arange(20, dtype=np.uint8) % 10
    contents = {}
    for stem, count in (("train", 20), ("t10k", 10)):
        contents[f"{stem}-images-idx3-ubyte.gz"] = gzip.compress(idx(pixels[:count]))
        contents[f"{stem}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels[:count]))
    with server(lambda handler: serve(contents[handler.path.rpartition("/")[2]])(handler)) as host:
        files = tuple(published(name, raw, f"{host.url}/{name}") for name, raw in contents.items())
        change_card(monkeypatch, "mnist", files=files, train=20, test=10)
        yield host, contents, tmp_path / "home" / "mnist"


def test_full_set_is_fetched_checked_and_read_and_then_needs_no_network(small_mnist):
    host, contents, folder = small_mnist
    train, test = (data.load("mnist", split, source="full") for split in ("train", "test"))
    assert (len(train), len(test), train.source) == (20, 10, "full") and torch.equal(
        train.images[:10], test.images
    )
    assert left_in(folder) == contents
    host.asked.clear()
    assert torch.equal(data.load("mnist", source="full").images, train.images) and not host.asked


def test_only_the_files_that_are_needed_are_fetched(small_mnist):
    host, _, _ = small_mnist
    data.load("mnist", "train", source="full")
    assert {path.rpartition("/")[2] for path in host.asked} == {
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
    }


def test_without_download_the_missing_files_are_named_and_nobody_is_asked(small_mnist):
    host, _, _ = small_mnist
    with pytest.raises(
        FileNotFoundError,
        match="does not hold train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz of MNIST as published",
    ):
        data.load("mnist", source="full", download=False)
    assert not host.asked


def test_damaged_copy_in_the_cache_is_never_read_but_fetched_again(small_mnist):
    _, contents, folder = small_mnist
    data.load("mnist", source="full")
    name = "train-images-idx3-ubyte.gz"
    for damaged in (contents[name][:-20], contents[name.replace("train", "t10k")], b""):
        (folder / name).write_bytes(damaged)
        assert (
            len(data.load("mnist", source="full")) == 20
            and (folder / name).read_bytes() == contents[name]
        )
    (folder / name).write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="as published"):
        data.load("mnist", source="full", download=False)


def test_no_network_says_which_set_who_was_asked_and_what_works_instead(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKSHOP_DATA", str(tmp_path))
    file = published(
        "train-images-idx3-ubyte.gz",
        gzip.compress(b"x"),
        "http://127.0.0.1:1/a",
        "http://127.0.0.1:2/b",
    )
    change_card(monkeypatch, "mnist", files=(file,))
    with pytest.raises(
        ConnectionError,
        match=r"full MNIST is not on this computer.*2 asked, none delivered.*data.load\(\"mnist\"\) is the cut",
    ):
        data.load("mnist", source="full")


# --- Kaggle ---


@pytest.fixture
def kaggle(monkeypatch, tmp_path):
    """kagglehub, played by a module that writes `files` (name -> bytes) or raises what it was told to."""
    played = types.SimpleNamespace(files={}, error=None, asked=[], mount=None)

    def dataset_download(handle, *, output_dir):
        played.asked.append(handle)
        output_dir = played.mount or output_dir
        for name, raw in played.files.items():
            path = os.path.join(output_dir, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(raw)
        if played.error:
            raise played.error
        return output_dir

    module = types.ModuleType("kagglehub")
    module.dataset_download = dataset_download
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    monkeypatch.setenv("WORKSHOP_DATA", str(tmp_path))
    return played


def sign_csv(rows: int) -> bytes:
    heading = "label," + ",".join(f"pixel{place}" for place in range(1, 785))
    return "\n".join(
        [heading, *(f"{row % 9}," + ",".join(["7"] * 784) for row in range(rows))]
    ).encode()


@pytest.fixture
def small_sign(monkeypatch):
    contents = {"sign_mnist_train.csv": sign_csv(18), "sign_mnist_test.csv": sign_csv(9)}
    files = tuple(published(name, raw) for name, raw in contents.items())
    change_card(monkeypatch, "sign-mnist", files=files, train=18, test=9)
    return contents


def test_kaggle_set_is_fetched_once_and_its_sums_are_checked(kaggle, small_sign, tmp_path):
    kaggle.files = {
        **small_sign,
        **{f"{name[:-4]}/{name}": raw for name, raw in small_sign.items()},
        "amer_sign2.png": b"...",
    }
    assert (
        len(data.load("sign-mnist", source="full")) == 18
        and len(data.load("sign-mnist", "test", source="full")) == 9
    )
    assert commands.main(["download", "sign-mnist"]) == 0
    assert (
        kaggle.asked == ["datamunge/sign-language-mnist"]
        and not (tmp_path / "sign-mnist" / "incoming").exists()
    )


def test_kaggle_that_answers_with_a_folder_of_its_own_as_in_colab_is_copied(
    kaggle, small_sign, tmp_path
):
    kaggle.files, kaggle.mount = small_sign, str(tmp_path / "mount")
    assert len(data.load("sign-mnist", source="full")) == 18
    assert (tmp_path / "mount" / "sign_mnist_train.csv").exists() and (
        tmp_path / "sign-mnist" / "sign_mnist_train.csv"
    ).exists()


def test_planted_kaggle_files_are_not_read(kaggle, small_sign):
    kaggle.files = {name: raw.replace(b"7,7", b"8,8", 1) for name, raw in small_sign.items()}
    with pytest.raises(
        FileNotFoundError, match="sign_mnist_train.csv of Sign Language MNIST as published"
    ):
        data.load("sign-mnist", source="full")


def test_kaggle_that_breaks_off_leaves_nothing_and_says_where_to_get_the_files(
    kaggle, small_sign, tmp_path
):
    kaggle.files, kaggle.error = (
        {"sign_mnist_train.csv": small_sign["sign_mnist_train.csv"][:100]},
        RuntimeError("reset"),
    )
    with pytest.raises(
        ConnectionError,
        match="www.kaggle.com broke off.*put sign_mnist_train.csv and sign_mnist_test.csv into .* by hand .https://www.kaggle.com",
    ):
        data.load("sign-mnist", source="full")
    assert left_in(tmp_path / "sign-mnist") == {}


def test_missing_kagglehub_is_named_with_its_cure(monkeypatch, small_sign, tmp_path):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    monkeypatch.setenv("WORKSHOP_DATA", str(tmp_path))
    with pytest.raises(
        ConnectionError, match="kagglehub is missing: python -m pip install kagglehub"
    ):
        data.load("sign-mnist", source="full")


def test_cifar_does_not_begin_at_its_throttled_home():
    for name in ("cifar10", "cifar100"):
        (file,) = data.card(name).files
        assert "toronto.edu" not in file.urls[0] and "toronto.edu" in file.urls[-1]
