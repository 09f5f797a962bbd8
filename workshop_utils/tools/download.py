"""Brings full data sets, and on request the Python packages, into a folder: for later, for a room, or for a USB stick.

Every file is checked against its published sum. What is there already is not fetched again.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from workshop_utils import data, paths
from workshop_utils.data.published import obtain

PIP = [sys.executable, "-m", "pip"]
LINUX = [f"manylinux_2_{libc}_x86_64" for libc in range(28, 4, -1)]
SYSTEMS = {  # what uv calls a system, and pip the computers that its packages are for
    "windows": ("x86_64-pc-windows-msvc", ["win_amd64"]),
    "macos": ("aarch64-apple-darwin", ["macosx_14_0_arm64"]),
    "linux": ("x86_64-manylinux_2_28", [*LINUX, "manylinux2014_x86_64", "manylinux1_x86_64"]),
}
MACOS = {"MACOSX_DEPLOYMENT_TARGET": "14.0"}  # the oldest that torch has packages for


def add_arguments(parser) -> None:
    known = ", ".join(downloadable())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"data sets: {known}")
    parser.add_argument("--all", action="store_true", help="all of them")
    to = "the folder to fill; if not given, WORKSHOP_DATA or the cache folder"
    parser.add_argument("--to", type=Path, help=to)
    wheels = "also the Python packages, for computers like this one, or for those of --for"
    parser.add_argument("--wheels", action="store_true", help=wheels)
    others = "systems and Pythons, with commas between: windows-3.12,macos-3.13"
    parser.add_argument("--for", dest="others", type=systems, default=[], help=others)
    cpu = "for Linux PyTorch's builds without NVIDIA, a fifteenth of the size"
    parser.add_argument("--cpu", action="store_true", help=cpu)


def systems(text: str) -> list[tuple[str, str]]:
    """System and Python of each "windows-3.12"."""
    found = [re.fullmatch(r"(\w+)-(3\.1[1-4])", one.strip()) for one in text.split(",")]
    if not all(one and one[1] in SYSTEMS for one in found):
        known = ", ".join(SYSTEMS)
        raise argparse.ArgumentTypeError(
            f"'{text}' is not of the form windows-3.12,macos-3.13. Systems: {known}; Pythons: 3.11 to 3.14."
        )
    return [(one[1], one[2]) for one in found if one]


def run(options) -> int:
    names = downloadable() if options.all else options.names
    wheels = options.wheels or options.others
    if not names and not wheels:
        known = ", ".join(downloadable())
        raise ValueError(f"Say what to download: {known}, or --all, or --wheels.")
    folder = (options.to or data.data_home()).absolute()
    cards = [data.card(name) for name in names]  # a misspelt name stops before the first byte
    failures = [_bring(card, folder) for card in cards]
    if wheels:
        for other in options.others or [None]:
            failures.append(_bring_wheels(folder / "wheels", other, options.cpu))
    if None in failures:
        serve = f"python -m workshop_utils mirror {folder}"
        print(f"Use the folder with WORKSHOP_DATA={folder}; serve it to a room with: {serve}")
    for failure in filter(None, failures):
        print(failure, file=sys.stderr)
    return 1 if any(failures) else 0


def downloadable() -> list[str]:
    """The names of the sets that may be downloaded without an account."""
    return [card.name for card in data.catalog() if card.files]


def _bring(card: data.DatasetCard, folder: Path) -> str | None:
    if not card.files:
        return f"{card.title} cannot be downloaded: {card.how} reads it."
    try:
        obtain(card, [], folder / card.name)
    except OSError as error:
        return str(error)
    print(f"{card.title} is in {folder / card.name}.")
    return None


def _bring_wheels(folder: Path, other: tuple[str, str] | None, cpu: bool) -> str | None:
    """Packages and a list of them, for this system and Python or another; says why not, if not."""
    chosen = folder / (f"hashes-{'-'.join(other)}.txt" if other else "hashes.txt")
    failed = _for_other(folder, *other, cpu, chosen) if other else _for_this(folder, cpu, chosen)
    if not failed:
        print(
            f"Copy this course and {folder} onto the stick. Without a network, from the folder of the course:\n"
            "python3 -m venv .venv (on Windows py -m venv .venv, and .venv\\Scripts\\python below)\n"
            f".venv/bin/python -m pip install --no-index --require-hashes --find-links {folder} -r {chosen}"
        )
    return failed


def _for_this(folder: Path, cpu: bool, chosen: Path) -> str | None:
    """pip takes the versions for this system and this Python; torch comes in the build, for CPU or NVIDIA, that is here."""
    import torch

    here, tested = ["-f", str(folder)], ["-c", str(paths.HOME / "constraints.txt")]
    lists: list = [("requirements-cpu.txt", []), ("requirements.txt", tested)]
    for name, versions in lists if cpu or not torch.version.cuda else lists[1:]:
        wanted = [*here, *versions, "-r", str(paths.HOME / name)]
        if subprocess.call([*PIP, "download", "-d", str(folder), *wanted]):
            return f"pip could not download everything in {name}: see above."
    alone = ["install", "--dry-run", "--ignore-installed", "--no-index", "--quiet", "--report", "-"]
    plan = subprocess.run([*PIP, *alone, *wanted], stdout=subprocess.PIPE)
    if plan.returncode:
        return "pip could not plan an installation from these packages alone: see above."
    paths.write(chosen, hashes(json.loads(plan.stdout)).encode())
    return None


def resolver() -> str | None:
    """Where uv is: on the path, or beside this Python."""
    return shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent)


def _for_other(folder: Path, system: str, python: str, cpu: bool, chosen: Path) -> str | None:
    """pip would ask this system which packages another one needs: uv says which, and pip only brings them."""
    if not (uv := resolver()):
        return "Packages for other systems need uv: python -m pip install uv, then the same again."
    triple, platforms = SYSTEMS[system]
    tags = [word for platform in platforms for word in ("--platform", platform)]
    bring = [*PIP, "download", "--no-deps", "-d", str(folder), "-f", str(folder), *tags]
    bring += ["--only-binary", ":all:", "--python-version", python]
    failed = f"Not all packages for {system}-{python} could be brought: see above."
    folder.mkdir(parents=True, exist_ok=True)
    without_nvidia = [*bring, "-r", str(paths.HOME / "requirements-cpu.txt")]
    if cpu and system == "linux" and subprocess.call(without_nvidia):
        return failed
    solve = [uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--generate-hashes"]
    solve += ["--python-platform", triple, "--python-version", python, "--only-binary", ":all:"]
    solve += ["-f", str(folder), "-c", str(paths.HOME / "constraints.txt"), "-o", str(chosen)]
    everything = str(paths.HOME / "requirements.txt")
    if subprocess.call([*solve, everything], env={**os.environ, **MACOS}):
        return failed
    return failed if subprocess.call([*bring, "--require-hashes", "-r", str(chosen)]) else None


def hashes(plan: dict) -> str:
    """Lines for pip of all that its report would install: exact versions, and the sums that files must have."""
    lines = ["# The packages as downloaded; give this list to people by hand, not by this network."]
    for one in plan["install"]:
        name, sums = one["metadata"], one["download_info"]["archive_info"]["hashes"]
        lines.append(f"{name['name']}=={name['version']} --hash=sha256:{sums['sha256']}")
    return "\n".join([*lines, ""])
