"""Writes the address of the course into every badge, every setup cell and the README.

The address stands in one place, the constants of this file; links --repo OWNER/NAME --ref TAG changes them too.
"""

import re
from pathlib import Path

from workshop_utils import paths
from workshop_utils.tools import execute

REPOSITORY, TAG = "OWNER/NAME", "TAG"
CONSTANTS = Path(__file__)  # the file in which the line above is rewritten
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/{repository}/blob/{tag}/{path})"
BADGE_PATTERN = re.compile(
    r"\[!\[Open in Colab\]\(https://colab\.research\.google\.com/assets/colab-badge\.svg\)\]\(https://colab\.research\.google\.com/github/[\w.-]+/[\w.-]+/blob/[\w.-]+/([^)]+)\)"
)
SETUP = """\
# Setup: run this cell first. It finds the course on this computer, or fetches it (Colab).
import subprocess, sys
from pathlib import Path

REPOSITORY, TAG = "{repository}", "{tag}"
places = [Path.cwd(), *Path.cwd().parents, Path.cwd() / REPOSITORY.split("/")[1]]
home = next((p for p in places if (p / "workshop_utils" / "__init__.py").is_file()), None)
if home is None and TAG == "TAG":
    raise SystemExit(
        "The course was not found here, and this copy has no published address; run links --repo."
    )
if home is None:
    home, address = places[-1], f"https://github.com/{{REPOSITORY}}.git"
    clone = ["git", "-c", "advice.detachedHead=false", "clone", "--quiet", "--depth", "1"]
    if subprocess.run([*clone, "--branch", TAG, address, str(home)]).returncode:
        raise SystemExit(f"The course could not be fetched from {{address}}. Check the network.")
if str(home) not in sys.path:
    sys.path.insert(0, str(home))
import workshop_utils

SOURCE = "bundled"  # or "full": the whole data sets, fetched once and kept
print("The course is ready. With the bundled pictures nothing below needs a network.")
if "google.colab" in sys.modules:
    print("Nothing was installed: torch, numpy and ipywidgets are those that Colab brought.")"""


def add_arguments(parser) -> None:
    add = parser.add_argument
    add("--repo", default=REPOSITORY, metavar="OWNER/NAME", help="the repository on GitHub")
    add("--ref", default=TAG, metavar="TAG", help="the tag that badges open and setup cells fetch")


def run(options) -> int:
    address = options.repo, options.ref
    for what, text, form, pattern in (
        ("--repo", options.repo, "OWNER/NAME", r"[\w.-]+/[\w.-]+"),
        ("--ref", options.ref, "TAG", r"[\w.-]+"),
    ):
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{what} '{text}' is not of the form {form}.")
    line = f'REPOSITORY, TAG = "{options.repo}", "{options.ref}"'
    own = re.sub('(?m)^REPOSITORY, TAG = ".*"$', line, CONSTANTS.read_text("utf-8"), count=1)
    readme = paths.HOME / "README.md"
    badges = with_badges(readme.read_text("utf-8"), *address)
    found = [(execute.read(path), path) for path in paths.notebooks()]
    for notebook, path in found:
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = with_badges(cell.source, *address)
        setup = next((cell for cell in notebook.cells if cell.cell_type == "code"), None)
        if setup is None:
            raise ValueError(f"'{path}' has no code cell, so no setup cell; nothing was written.")
        setup.source = setup_cell(*address)
    for notebook, path in found:
        execute.write(notebook, path)
    paths.write(readme, badges.encode())
    paths.write(CONSTANTS, own.encode())
    return 0


def setup_cell(repository: str = REPOSITORY, tag: str = TAG) -> str:
    """The source of every notebook's first code cell."""
    return SETUP.format(repository=repository, tag=tag)


def with_badges(text: str, repository: str, tag: str) -> str:
    """The same text, its Colab badges pointing to this repository and tag; each keeps the path of its notebook."""
    anew = lambda badge: BADGE.format(repository=repository, tag=tag, path=badge[1])
    return BADGE_PATTERN.sub(anew, text)
