"""Which accelerator is chosen, and why."""

import platform
from functools import lru_cache

import pytest
import torch
from helpers import fresh_python
from torch import nn

from workshop_utils import device


@pytest.fixture(autouse=True)
def no_memory_of_earlier_trials(monkeypatch):
    monkeypatch.delenv("WORKSHOP_DEVICE", raising=False)
    for remembered in (device.trouble, device.fastest):
        remembered.cache_clear()
    yield
    for remembered in (device.trouble, device.fastest):
        remembered.cache_clear()


def accelerator(monkeypatch, found: torch.device | None) -> None:
    """What torch says is on this computer."""
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: found)


def test_word_that_names_no_device_is_answered_with_those_that_exist():
    with pytest.raises(
        ValueError, match="'nonsense' is no device. Choose one of cuda, xpu, mps, cpu"
    ):
        device.pick("nonsense")


def test_environment_decides_where_nothing_is_preferred(monkeypatch):
    monkeypatch.setenv("WORKSHOP_DEVICE", "nonsense")
    assert device.pick("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="'nonsense' is no device"):
        device.pick()


def test_empty_environment_variable_is_the_same_as_none(monkeypatch):
    monkeypatch.setenv("WORKSHOP_DEVICE", "")
    assert device.pick().type in device.ORDER


def test_preferred_device_that_is_absent_is_refused_with_the_reason(monkeypatch):
    accelerator(monkeypatch, None)
    with pytest.raises(RuntimeError, match="'cuda' cannot be used: not found on this computer"):
        device.pick("cuda")


@pytest.fixture
def broken_cuda(monkeypatch):
    """CUDA claims to be there, and fails when a convolution is tried."""

    class Convolution(nn.Conv2d):
        def __init__(self, *sizes, device=None):
            if device == "cuda":
                raise RuntimeError("no kernel image is available\nand a long tail")
            super().__init__(*sizes, device=device)

    accelerator(monkeypatch, torch.device("cuda"))
    monkeypatch.setattr(device, "ORDER", ("cuda", "cpu"))
    monkeypatch.setattr(device.nn, "Conv2d", Convolution)


def test_device_that_fails_its_convolution_is_passed_over(broken_cuda):
    assert device.pick() == torch.device("cpu")


def test_report_says_what_was_chosen_and_why_not_the_others(broken_cuda):
    why = "this torch was not built for a card of this age (RuntimeError: no kernel image is available)"
    assert device.report() == f"cuda: {why}\ncpu: chosen"


def test_falling_back_is_said_once_and_in_words(broken_cuda, capsys):
    assert device.pick() == device.pick() == torch.device("cpu")
    assert (
        capsys.readouterr().out
        == "cuda is on this computer but is not used: this torch was not built for a card of this age "
        "(RuntimeError: no kernel image is available). The course runs on cpu.\n"
    )


@pytest.mark.parametrize(
    "said, meant",
    [
        ("CUDA out of memory. Tried to allocate 2 GiB", "its memory is full"),
        (
            "The NVIDIA driver on your system is too old (found version 11040)",
            "its driver is too old",
        ),
        (
            "The operator 'aten::x' is not currently implemented for the MPS device",
            "an operation that the course needs is missing",
        ),
    ],
)
def test_reasons_of_drivers_are_put_in_words(monkeypatch, said, meant):
    def fails(*_, **__):
        raise RuntimeError(said)

    monkeypatch.setattr(device.nn, "Conv2d", fails)
    assert meant in device.trouble("cpu") and said.splitlines()[0] in device.trouble("cpu")


@pytest.mark.parametrize("kind", ["cuda", "xpu", "mps"])
def test_accelerator_that_works_is_chosen_whatever_its_kind(monkeypatch, kind):
    accelerator(monkeypatch, torch.device(kind))
    monkeypatch.setattr(device, "trouble", lru_cache(lambda kind: None))
    assert device.pick() == torch.device(kind)


def test_device_that_computes_nonsense_is_passed_over(monkeypatch):
    monkeypatch.setattr(torch, "isfinite", lambda values: torch.zeros(1, dtype=torch.bool))
    assert device.trouble("cpu") == "its arithmetic gives wrong numbers"


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc's malloc has the switches"
)
def test_memory_that_a_step_frees_is_kept_for_the_next():
    code = """
import resource, torch
from workshop_utils import device
def step(): return [torch.ones(1_250_000) for _ in range(8)]
for choice in (lambda: None, lambda: device.pick("cpu")):
    choice(); step(); step(); before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20): step()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    before, after = map(int, fresh_python(code).stdout.split())
    assert after * 10 < before, (before, after)


@pytest.mark.parametrize(
    "own",
    [{}, {"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": "5", "OPENBLAS_NUM_THREADS": "2"}],
    ids=["unset", "set"],
)
def test_threads_neither_spin_nor_share_small_matrices_unless_the_user_says_otherwise(
    own, monkeypatch
):
    expected = own or {
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "1000",
        "OPENBLAS_NUM_THREADS": "1",
    }
    for name in expected:
        monkeypatch.delenv(name, raising=False)  # this process imported the package
    code = f"import os, sys, workshop_utils; assert not {{'torch', 'numpy'}} & set(sys.modules); print(*(os.environ[name] for name in {list(expected)}))"
    assert fresh_python(code, env=own).stdout.split() == list(expected.values())
