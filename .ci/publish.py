"""python .ci/publish.py --repo OWNER/NAME --tag v1.0.0 --to OUT: makes a release out of a clean clone at its tag.

The clone gets a branch release-TAG, whose one commit bears the address: badges and setup cells point to it. OUT gets
course.zip with its sum, and site/ for GitHub Pages: chapters, deck, glossary and take-home page. Nothing is sent.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HOME))
import workshop_utils
from workshop_utils import data, models, paths, takehome
from workshop_utils.tools import links

git = partial(subprocess.run, cwd=HOME, check=True)
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Image classification, hands on</title>
<style>body{font:18px/1.6 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}</style>
<h1>Image classification, hands on</h1>
<p>Three chapters to run, change and break. <a href="https://github.com/REPO/tree/REF">Begin here</a>, on your laptop or in Colab.</p>
LISTS</html>
"""


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__)
    for name in ("--repo", "--tag", "--to"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    if options.tag != f"v{workshop_utils.__version__}":
        sys.exit(
            f"The tag is {options.tag}, workshop_utils/__init__.py says {workshop_utils.__version__}. Make them the same."
        )
    if f"## {workshop_utils.__version__}" not in (HOME / "CHANGELOG.md").read_text("utf-8"):
        sys.exit(f"CHANGELOG.md has no part '## {workshop_utils.__version__}'. Write it first.")
    out, branch = Path(options.to).resolve(), f"release-{options.tag}"
    out.mkdir(parents=True)
    with_address(options.repo, branch)
    packed(out / "course.zip")
    site(out / "site", options.repo, branch)


def with_address(repository: str, branch: str) -> None:
    """Commits the address to a new branch of the clone."""
    git(["git", "switch", "--quiet", "--create", branch])
    command = [sys.executable, "-m", "workshop_utils", "links", "--repo", repository]
    subprocess.run([*command, "--ref", branch], cwd=HOME, check=True)
    git(["git", "commit", "--quiet", "--all", "--message", f"Write the address of {branch}"])


def packed(path: Path) -> None:
    git(["git", "archive", "--format=zip", "--prefix=course/", f"--output={path}", "HEAD"])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".zip.sha256").write_text(f"{digest}  {path.name}\n")


def site(folder: Path, repository: str, branch: str) -> None:
    """The pages: each notebook as HTML with its outputs, everything in slides/built, the page of a net."""
    shutil.copytree(HOME / "slides" / "built", folder / "slides")
    for path in paths.notebooks():
        page = folder / path.relative_to(HOME).with_suffix(".html")
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(as_html(path), "utf-8")
    takehome.page(models.ready("lenet-mnist"), data.load("mnist"), folder / "my-net.html")
    chapters = {path: heading(path) for path in paths.notebooks()}
    built = {path: path.name for path in sorted((folder / "slides").glob("*.[hp]*"))}
    lists = {
        "Read the chapters": [
            (path.relative_to(HOME).with_suffix(".html"), words) for path, words in chapters.items()
        ],
        "Present": [(path.relative_to(folder), words) for path, words in built.items()],
        "Draw a digit for LeNet": [("my-net.html", "a net in one page, it needs nothing else")],
    }
    items = lambda rows: "".join(f'<li><a href="{to}">{words}</a></li>' for to, words in rows)
    text = "\n".join(f"<h2>{name}</h2><ul>{items(rows)}</ul>" for name, rows in lists.items())
    page = PAGE.replace("REPO", repository).replace("REF", branch).replace("LISTS", text)
    (folder / "index.html").write_text(page, "utf-8")


def heading(path: Path) -> str:
    first = nbformat.read(path, as_version=4).cells[0].source
    return first.partition("\n")[0].removeprefix("# ")


def as_html(path: Path) -> str:
    """A notebook as one page without scripts from elsewhere, whose links to notebooks lead to their pages."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = links.without_pictures(cell.source)
            cell.source = re.sub(r"\]\((?!https?:)(\S+)\.ipynb\)", r"](\1.html)", cell.source)
    # of nbconvert's templates this one gives a picture its words
    exporter = HTMLExporter(
        template_name="classic", require_js_url="", jquery_url="", mathjax_url=""
    )
    return exporter.from_notebook_node(notebook)[0]


if __name__ == "__main__":
    main()
