"""What a release consists of: links that lead somewhere, workflows that run what is here, pages that need nothing from elsewhere."""

import hashlib
import importlib.util
import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from helpers import REPOSITORY

import workshop_utils
from workshop_utils import paths
from workshop_utils.tools import links

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
TEXTS = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("*/*.md")]
LINK = re.compile(r"\]\((?!https?:|mailto:|figure:|#)([^)\s#]+)(#[^)\s]*)?\)")


def publish():
    spec = importlib.util.spec_from_file_location("publish", REPOSITORY / ".ci" / "publish.py")
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    return module


def anchors(text):
    """GitHub's addresses of headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-") for words in headings}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_every_link_of_a_text_leads_to_a_file_and_a_heading_that_are_there(path):
    for target, anchor in LINK.findall(path.read_text("utf-8")):
        found = path.parent / target
        assert found.exists(), target
        if anchor:
            assert anchor[1:] in anchors(found.read_text("utf-8")), target + anchor


def test_readme_has_a_place_for_the_badge_of_each_chapter_and_at_most_700_words():
    text = (REPOSITORY / "README.md").read_text("utf-8")
    of = [path.relative_to(REPOSITORY).as_posix() for path in paths.chapters()]
    assert [place[1] for place in links.PLACE.finditer(text)] == of
    assert len(text.split()) <= 700


def test_commands_of_the_workflows_name_files_that_are_there():
    assert {path.stem for path in WORKFLOWS} == {"tests", "weekly", "publish"}
    for path in WORKFLOWS:
        for name in re.findall(r"(?<=[ /])(?:\.ci/[\w.]+|[\w-]+\.txt)", path.read_text("utf-8")):
            if name not in ("newest.txt",):
                assert (REPOSITORY / name).exists(), f"{path.name}: {name}"


def test_version_stands_in_one_place_and_has_its_part_of_the_changelog():
    number = workshop_utils.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", number)
    assert f"\n## {number}\n" in (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    assert number not in (REPOSITORY / "CITATION.cff").read_text("utf-8")


@pytest.mark.parametrize(
    "tag, version, words",
    [
        ("v9.0.0", workshop_utils.__version__, "Make them the same"),
        ("v9.0.0", "9.0.0", "Write it first"),
    ],
)
def test_tag_that_is_not_this_version_publishes_nothing(monkeypatch, tmp_path, tag, version, words):
    monkeypatch.setattr(workshop_utils, "__version__", version)
    out = tmp_path / "out"
    monkeypatch.setattr(
        sys, "argv", ["publish.py", "--repo", "a/b", "--tag", tag, "--to", str(out)]
    )
    with pytest.raises(SystemExit, match=words):
        publish().main()
    assert not out.exists()


class Wanted(HTMLParser):
    """What a page loads or leads to."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.leads, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "a":
            self.leads.append(given.get("href") or "")
        else:
            self.words += [given.get("alt", "")] * (tag == "img")
            self.loads += [given[name] for name in ("src", "href") if given.get(name)]


def test_page_of_a_chapter_loads_nothing_from_elsewhere_and_leads_to_its_companions_page():
    page = Wanted(publish().as_html(paths.chapter(3)))
    assert page.words and all(len(words) > 40 for words in page.words)
    assert [source for source in page.loads if not source.startswith("data:")] == []
    assert "deeper/03_more_on_transfer_learning.html" in page.leads


@pytest.mark.slow
def test_release_of_a_scratch_repository_is_whole(tmp_path):
    run = lambda *command, **options: subprocess.run(command, check=True, **options)
    clone, out = tmp_path / "clone", tmp_path / "out"
    run("git", "clone", "--quiet", REPOSITORY, clone)
    command = [sys.executable, clone / ".ci/publish.py", "--repo", "them/hands-on", "--to", out]
    run(*command, "--tag", f"v{workshop_utils.__version__}", cwd=clone)
    branch = f"release-v{workshop_utils.__version__}"
    with zipfile.ZipFile(out / "course.zip") as packed:
        setup = packed.read("course/notebooks/01_datasets_and_evaluation.ipynb").decode()
        front = packed.read("course/README.md").decode()
    assert f'REPOSITORY, TAG = \\"them/hands-on\\", \\"{branch}\\"' in setup
    assert front.count(f"them/hands-on/blob/{branch}/notebooks/") == 3 * len(links.BADGES)
    digest = hashlib.sha256((out / "course.zip").read_bytes()).hexdigest()
    assert (out / "course.zip.sha256").read_text() == f"{digest}  course.zip\n"
    site = out / "site"
    for path in site.rglob("*.html"):
        for target in Wanted(path.read_text("utf-8")).leads:
            if not re.match(r"[a-z]+:|#", target):
                assert (path.parent / urlsplit(target).path).exists(), (path.name, target)
