"""Where the course's notebooks are, and what they are called."""

from pathlib import Path

HOME = Path(__file__).parents[2]
NOTEBOOKS = HOME / "notebooks"


def chapters() -> list[Path]:
    """The chapters' notebooks, in order."""
    return sorted(NOTEBOOKS.glob("0*.ipynb"))


def notebooks() -> list[Path]:
    """Every notebook of the course: the chapters, then their companions."""
    return [*chapters(), *sorted(NOTEBOOKS.glob("deeper/*.ipynb"))]


def chapter(number: int) -> Path:
    """The notebook of one chapter. Raises ValueError, with those that exist, if there is none."""
    found = [path for path in chapters() if path.name.startswith(f"{number:02}_")]
    if not found:
        raise ValueError(
            f"There is no chapter {number}. There are: {', '.join(str(int(path.name[:2])) for path in chapters())}."
        )
    return found[0]
