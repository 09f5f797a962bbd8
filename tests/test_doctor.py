"""The doctor: each finding in its colours, with a cure, and a verdict that can be read out."""

import json
import shutil
import ssl
import subprocess
from importlib import metadata
from types import SimpleNamespace

import pytest
import requests
import torch
from helpers import fresh_python
from servers import redirect, serve, server

from workshop_utils import __main__ as commands
from workshop_utils import device as devices
from workshop_utils.data import bundled_files
from workshop_utils.data.pictures import DamagedFile
from workshop_utils.tools import doctor, links


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.delenv("WORKSHOP_MIRROR", raising=False)


def test_computer_that_runs_these_tests_has_no_red_finding():
    found = doctor.examine(network=False)
    assert not [one for one in found if one.colour == "red"]
    assert [one.what for one in found] == [
        "python",
        "packages",
        "torch",
        "device",
        "threads",
        "memory",
        "disk",
        "writing",
        "kernel",
        "panels",
        "files",
        "weights",
        "address",
    ]


def test_every_finding_that_is_not_green_says_what_to_do(monkeypatch):
    monkeypatch.setattr(doctor.util, "find_spec", lambda name: None)
    one = doctor.look("weights")
    assert one.colour == "red" and "net of chapter 3 is missing" in one.words
    assert "pip install" in one.cure


@pytest.mark.parametrize("tag, words", [("TAG", "this computer does not"), ("v1", ", v1")])
def test_course_without_an_address_is_as_healthy_as_a_published_one(monkeypatch, tag, words):
    monkeypatch.setattr(links, "TAG", tag)
    one = doctor.look("address")
    assert one.colour == "green" and one.words.endswith(words)


def test_old_python_is_told_in_a_sentence_before_anything_is_imported():
    answer = fresh_python("import sys; sys.version_info = (3, 9, 1); import workshop_utils")
    assert (
        answer.returncode == 1
        and answer.stderr.startswith("The course needs Python 3.11 or newer; this is Python 3.9.")
        and "Traceback" not in answer.stderr
    )


def test_mac_with_an_intel_processor_is_sent_to_colab(monkeypatch):
    monkeypatch.setattr(doctor.sys, "platform", "darwin")
    monkeypatch.setattr(doctor.platform, "machine", lambda: "x86_64")
    one = doctor.look("python")
    assert one.colour == "red" and "no current torch" in one.words and "Colab" in one.cure


@pytest.mark.parametrize(
    "name, version, words",
    [
        ("numpy", "1.26.0", "numpy 1.26.0 where >=2.1.3 is needed"),
        ("ipykernel", "7.1.0", "run the panels' callbacks in the middle of another cell"),
        ("ipykernel", "7.4.0", "answers the controls of one panel in several threads"),
        ("timm", None, "missing: timm"),
    ],
    ids=["old", "known to be bad", "known to be bad too", "missing"],
)
def test_wrong_versions_are_named_with_the_line_that_mends_them(monkeypatch, name, version, words):
    real = metadata.version

    def pretended(asked: str) -> str:
        if asked == name and version is None:
            raise metadata.PackageNotFoundError(asked)
        return version if asked == name else real(asked)

    monkeypatch.setattr(doctor.metadata, "version", pretended)
    one = doctor.look("packages")
    assert one.colour == "red" and words in one.words and "-m pip install -r" in one.cure


def test_torch_and_torchvision_of_two_builds_are_explained(monkeypatch):
    import torchvision

    def missing(*_):
        raise RuntimeError("operator torchvision::nms does not exist\nand more")

    monkeypatch.setattr(torchvision.ops, "nms", missing)
    one = doctor.look("torch")
    assert (
        one.colour == "red"
        and "torchvision::nms" in one.words
        and "different indexes" in one.words
        and "delete the folder .venv" in one.cure
    )


def test_device_that_is_there_and_fails_is_yellow_with_the_reason(monkeypatch):
    monkeypatch.setattr(devices, "pick", lambda: torch.device("cpu"))
    monkeypatch.setattr(
        devices,
        "trouble",
        lambda kind: (
            None if kind == "cpu" else "its driver is too old" if kind == "cuda" else devices.ABSENT
        ),
    )
    one = doctor.look("device")
    assert one.colour == "yellow" and "not used: cuda: its driver is too old" in one.words


def test_wish_for_a_device_that_is_absent_is_red_with_the_way_back(monkeypatch):
    monkeypatch.setenv("WORKSHOP_DEVICE", "xpu")
    one = doctor.look("device")
    assert one.colour == "red" and "WORKSHOP_DEVICE" in one.cure


def test_one_thread_on_many_cores_is_yellow(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(doctor.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert (
        doctor.look("threads").colour == "yellow" and "1 of 4 cores" in doctor.look("threads").words
    )


@pytest.mark.parametrize("free, colour", [(0.5, "red"), (2, "yellow"), (8, "green")])
def test_memory_and_disk_have_three_colours(monkeypatch, free, colour):
    import psutil

    monkeypatch.setattr(
        psutil, "virtual_memory", lambda: SimpleNamespace(available=free * doctor.GIGA)
    )
    assert doctor.look("memory").colour == colour
    monkeypatch.setattr(
        doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=free / 4 * doctor.GIGA)
    )
    assert doctor.look("disk").colour == colour


def test_folder_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder", "utf-8")
    monkeypatch.setenv("WORKSHOP_DATA", str(tmp_path / "file" / "below"))
    one = doctor.look("writing")
    assert one.colour == "red" and str(tmp_path / "file" / "below") in one.words


def test_kernel_of_another_python_is_yellow(monkeypatch):
    from jupyter_client.kernelspec import KernelSpecManager

    monkeypatch.setattr(
        KernelSpecManager, "get_kernel_spec", lambda *_: SimpleNamespace(argv=["/usr/bin/python9"])
    )
    one = doctor.look("kernel")
    assert (
        one.colour == "yellow"
        and "/usr/bin/python9" in one.words
        and "ipykernel install" in one.cure
    )


def test_widgets_of_two_generations_are_red(monkeypatch):
    monkeypatch.setattr(
        doctor.metadata,
        "version",
        lambda name: {"ipywidgets": "7.7.1", "jupyterlab_widgets": "3.0.1"}[name],
    )
    assert (
        doctor.look("panels").colour == "red"
        and "different generations" in doctor.look("panels").words
    )


def test_damaged_file_is_red_in_its_own_sentence(monkeypatch):
    def damaged():
        raise DamagedFile("The bundled file 'x' is damaged. Bring it back with git.")

    monkeypatch.setattr(bundled_files, "verify", damaged)
    assert doctor.look("files") == doctor.Finding(
        "files", "red", "The bundled file 'x' is damaged. Bring it back with git."
    )


@pytest.mark.parametrize(
    "error, words",
    [
        (
            requests.ConnectionError("Name or service not known"),
            "could not be reached; everything bundled works",
        ),
        (
            requests.exceptions.SSLError("certificate verify failed"),
            "set REQUESTS_CA_BUNDLE to its file",
        ),
        (requests.exceptions.ProxyError("refused"), "through the proxy of this network"),
    ],
    ids=["no network", "certificate", "proxy"],
)
def test_network_is_informative_and_never_red(monkeypatch, error, words):
    def refuses(*_, **__):
        raise error

    monkeypatch.setattr(requests, "head", refuses)
    assert doctor.look("network").colour == "yellow" and words in doctor.look("network").words


def test_mirror_of_the_room_is_the_one_that_is_asked_and_without_a_proxy(monkeypatch):
    asked = []

    def refuses(address, *, timeout, proxies, **_):
        asked.append((address.rpartition("/")[0], timeout, proxies))
        raise requests.ConnectionError("refused")

    monkeypatch.setenv("WORKSHOP_MIRROR", "192.168.1.7:8000")
    monkeypatch.setattr(requests, "head", refuses)
    assert "WORKSHOP_MIRROR" in doctor.look("network").cure
    assert asked == [("http://192.168.1.7:8000/mnist", 3, {"no_proxy": "*"})]
    monkeypatch.setenv("WORKSHOP_MIRROR", "http://me:secret@192.168.1.7")
    assert "secret" not in doctor.look("network").words


def page(handler):
    """What a network answers that wants a log-in first, whatever was asked for."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html; charset=utf-8")
    handler.end_headers()


def only_the_last_set(handler):
    handler.send_response(200 if "pathmnist" in handler.path else 404)
    handler.end_headers()


@pytest.mark.parametrize(
    "answer, colour, words",
    [
        (serve(b""), "green", "answers"),
        (only_the_last_set, "green", "answers"),
        (serve(b"", 403), "yellow", "answered 403 Forbidden"),
        (serve(b"", 407), "yellow", "answered 407"),
        (serve(b"", 502), "yellow", "answered 502"),
        (serve(b"", 404), "yellow", "answered 404"),
        (page, "yellow", "a web page instead of the file: if this Wi-Fi has a page to log in"),
        (redirect("/"), "yellow", "broke off (TooManyRedirects)"),
    ],
    ids=["whole", "one set only", "403", "407", "502", "another server", "log-in", "circle"],
)
def test_mirrors_answer_is_looked_at(monkeypatch, answer, colour, words):
    with server(answer) as near:
        monkeypatch.setenv("WORKSHOP_MIRROR", near.url)
        one = doctor.look("network")
    assert one.colour == colour and words in one.words and near.asked


def test_user_without_a_home_is_told_what_to_set(monkeypatch):
    monkeypatch.delenv("WORKSHOP_DATA", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(doctor.paths.os.path, "expanduser", lambda path: path)
    one = doctor.look("writing")
    assert one.colour == "red" and "no home folder. Set the environment variable HOME" in one.words


def test_proxy_whose_certificate_is_unknown_is_told_and_its_file_mends_it(monkeypatch, tmp_path):
    """A real server whose certificate nobody has signed."""
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            key,
            "-out",
            certificate,
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with server(serve(b"")) as near:
        near.socket = context.wrap_socket(near.socket, server_side=True)
        monkeypatch.setenv("WORKSHOP_MIRROR", f"https://localhost:{near.server_port}")
        assert "REQUESTS_CA_BUNDLE" in doctor.look("network").words
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert doctor.look("network").colour == "green"


def test_check_that_fails_itself_becomes_a_finding(monkeypatch):
    def memory():
        raise KeyError("MemTotal")

    monkeypatch.setitem(doctor.CHECKS, "memory", (memory, ""))
    one = next(one for one in doctor.examine(network=False) if one.what == "memory")
    assert one.colour == "red" and "could not be looked at: KeyError" in one.words


def test_exit_code_json_and_a_line_to_read_out(monkeypatch, capsys):
    assert commands.main(["doctor", "--offline", "--json"]) == 0
    assert {one["colour"] for one in json.loads(capsys.readouterr().out)} <= {"green", "yellow"}
    monkeypatch.setitem(doctor.CHECKS, "weights", (lambda: ("red", "gone"), "pip"))
    assert commands.main(["doctor", "--offline", "--code"]) == 1
    assert capsys.readouterr().out.startswith("red weights / yellow")
    assert commands.main(["doctor", "--offline"]) == 1
    out = capsys.readouterr().out
    assert (
        "[red]     weights: gone" in out
        and "do: pip" in out
        and "Something will fail: weights." in out
    )
