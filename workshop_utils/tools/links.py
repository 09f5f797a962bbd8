"""Writes the address of the course into every badge, every folded setup cell and the README.

The address stands in one place, address.json beside the package; links --repo OWNER/NAME --ref TAG changes it too. The
former address brings every file back as it was.
"""

import json
import re

from workshop_utils import paths
from workshop_utils.tools import execute

ADDRESS = paths.HOME / "workshop_utils" / "address.json"
NOWHERE = {"repository": "OWNER/NAME", "tag": "TAG"}  # what an unpublished course has
REPOSITORY, TAG = json.loads(ADDRESS.read_text("utf-8")).values()
BADGES = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/{repository}/blob/{tag}/{path})",
    "[![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/{repository}/blob/{tag}/{path})",
)
# where README and a notebook have badges once there is an address to click; a line that begins with the comment would be no Markdown
PLACE = re.compile(r"(?:\[!\[Open in \w+\]\([^)]+\)\]\([^)]+\) )*<!-- badges (\S+) -->")
SETUP = """\
# @title Setup: run this cell first
import subprocess, sys
from pathlib import Path

REPOSITORY, TAG = "{repository}", "{tag}"
here, address = Path.cwd(), f"https://github.com/{{REPOSITORY}}.git"
places = [here, *here.parents, here / REPOSITORY.split("/")[1]]
home = next((p for p in places if (p / "workshop_utils" / "__init__.py").is_file()), places[-1])
git = ["git", "-c", "advice.detachedHead=false", "clone", "--quiet", "--depth=1", "--branch", TAG]
found = (home / "workshop_utils").is_dir()
if not found and (TAG == "TAG" or subprocess.run([*git, address, str(home)]).returncode):
    say = f"The course is not here, and could not be fetched from {{address}}."
    raise SystemExit(f"{{say}} Open this notebook in the course's folder, or check the network.")
sys.path[:] = [str(home), *(p for p in sys.path if p != str(home))]
import workshop_utils

SOURCE = "bundled"  # or "full": the whole data sets, fetched once and kept
print("The course is ready. With the bundled pictures nothing below needs a network.")
print("After a restart of the kernel run this cell again, then a section from its top.")
if "google.colab" in sys.modules:
    print("Nothing was installed: torch, numpy and ipywidgets are those that Colab brought.")"""
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}  # JupyterLab's word and Colab's


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
    readme = paths.HOME / "README.md"
    front = with_badges(readme.read_text("utf-8"), *address)
    found = [(execute.read(path), path) for path in paths.notebooks()]
    for notebook, path in found:
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = with_badges(cell.source, *address)
        setup = next((cell for cell in notebook.cells if cell.cell_type == "code"), None)
        if setup is None:
            raise ValueError(f"'{path}' has no code cell, so no setup cell; nothing was written.")
        setup.source = setup_cell(*address)
        setup.metadata.update(FOLDED)
        notebook.metadata["colab"] = execute.COLAB
    for notebook, path in found:
        execute.write(notebook, path)
    paths.write(readme, front.encode())
    paths.write(ADDRESS, json.dumps(dict(zip(NOWHERE, address)), indent=1).encode() + b"\n")
    print(f"{options.repo} at {options.ref} now stands in {ADDRESS.name}, README.md, and:")
    print(*(f"  {path.relative_to(paths.HOME)}" for _, path in found), sep="\n")
    print(f"Next: commit these files and push them as the branch or tag '{options.ref}'.")
    print(f"To go back: python -m workshop_utils links --repo {REPOSITORY} --ref {TAG}")
    return 0


def setup_cell(repository: str = REPOSITORY, tag: str = TAG) -> str:
    """The source of every notebook's first code cell."""
    return SETUP.format(repository=repository, tag=tag)


def with_badges(text: str, repository: str, tag: str) -> str:
    """The same text, in each place the badges of its notebook; none for a course that is not published."""
    published = (repository, tag) != tuple(NOWHERE.values())

    def written(place: re.Match) -> str:
        where = {"repository": repository, "tag": tag, "path": place[1]}
        badges = [badge.format(**where) for badge in BADGES if published]
        return " ".join([*badges, f"<!-- badges {place[1]} -->"])

    return PLACE.sub(written, text)


def without_pictures(text: str) -> str:
    """The same text with its badges as words: their pictures come from the web."""
    return re.sub(r"\[!\[(Open in \w+)\]\([^)]+\)\]", r"[\1]", text)
