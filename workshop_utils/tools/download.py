"""Brings full data sets, and on request the Python packages, into a folder: for later, for a room, or for a USB stick.

Every file is checked against its published sum. What is there already is not fetched again.
"""

import json
import subprocess
import sys
from pathlib import Path

from workshop_utils import data, paths
from workshop_utils.data.published import obtain


def add_arguments(parser) -> None:
    known = ", ".join(downloadable())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"data sets: {known}")
    parser.add_argument("--all", action="store_true", help="all of them")
    to = "the folder to fill; if not given, WORKSHOP_DATA or the cache folder"
    parser.add_argument("--to", type=Path, help=to)
    wheels = "also the Python packages, for computers like this one"
    parser.add_argument("--wheels", action="store_true", help=wheels)


def run(options) -> int:
    names = downloadable() if options.all else options.names
    if not names and not options.wheels:
        known = ", ".join(downloadable())
        raise ValueError(f"Say what to download: {known}, or --all, or --wheels.")
    folder = (options.to or data.data_home()).absolute()
    cards = [data.card(name) for name in names]  # a misspelt name stops before the first byte
    failures = [failure for card in cards if (failure := _bring(card, folder))]
    if options.wheels:
        failures += _bring_wheels(folder / "wheels")
    serve = f"python -m workshop_utils mirror {folder}"
    print(f"Use the folder with WORKSHOP_DATA={folder}; serve it to a room with: {serve}")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


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


def _bring_wheels(folder: Path) -> list[str]:
    """pip takes the versions for this system and this Python; torch comes in the build, for CPU or NVIDIA, that is here."""
    import torch

    pip, here = [sys.executable, "-m", "pip"], ["-f", str(folder)]
    tested = ["-c", str(paths.HOME / "constraints.txt")]
    lists: dict[str, list[str]] = {} if torch.version.cuda else {"requirements-cpu.txt": []}
    for name, versions in {**lists, "requirements.txt": tested}.items():
        wanted = [*here, *versions, "-r", str(paths.HOME / name)]
        if subprocess.call([*pip, "download", "-d", str(folder), *wanted]):
            return [f"pip could not download everything in {name}: see above."]
    alone = ["install", "--dry-run", "--ignore-installed", "--no-index", "--quiet", "--report", "-"]
    plan = subprocess.run([*pip, *alone, *wanted], stdout=subprocess.PIPE)
    if plan.returncode:
        return ["pip could not plan an installation from these packages alone: see above."]
    chosen = folder / "hashes.txt"
    paths.write(chosen, hashes(json.loads(plan.stdout)).encode())
    print(
        f"Copy this course and {folder} onto the stick. Without a network, from the folder of the course:\n"
        f"python -m pip install --no-index --require-hashes --find-links {folder} -r {chosen}"
    )
    return []


def hashes(plan: dict) -> str:
    """Lines for pip of all that its report would install: exact versions, and the sums that files must have."""
    lines = ["# The packages as downloaded; give this list to people by hand, not by this network."]
    for one in plan["install"]:
        name, sums = one["metadata"], one["download_info"]["archive_info"]["hashes"]
        lines.append(f"{name['name']}=={name['version']} --hash=sha256:{sums['sha256']}")
    return "\n".join([*lines, ""])
