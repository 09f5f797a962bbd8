"""The words of ImageNet: 1,000 classes with their definitions, and WordNet's paths above them."""

from pathlib import Path


def build(wordnet: Path, out: Path) -> None:
    """One row a synset: class index (empty for those above the classes), wnid, short name, parents, definition.

    The classes come from timm's `ImageNetInfo`, everything above them from WordNet 3.0's file of nouns.
    """
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    wnids = info.label_names()
    nouns = read_nouns(wordnet / "usr/share/wordnet/data.noun")
    rows = [
        (str(index), wnid, info.index_to_description(index).split(",")[0].strip(), *nouns[wnid][1:])
        for index, wnid in enumerate(wnids)
    ]
    seen, waiting = set(wnids), [parent for wnid in wnids for parent in nouns[wnid][1].split()]
    while waiting:
        wnid = waiting.pop()
        if wnid not in seen:
            seen.add(wnid)
            rows.append(("", wnid, *nouns[wnid]))
            waiting += nouns[wnid][1].split()
    rows[1000:] = sorted(rows[1000:], key=lambda row: row[1])
    out.mkdir(parents=True, exist_ok=True)
    (out / "imagenet-words.tsv").write_text(
        "".join("\t".join(row) + "\n" for row in rows), "utf-8", newline="\n"
    )


def read_nouns(path: Path) -> dict[str, tuple[str, str, str]]:
    """wnid -> (first word, parents separated by spaces, definition), from WordNet's data file (man page wndb)."""
    nouns = {}
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("  "):  # the licence on top
            continue
        record, _, definition = line.partition(" | ")
        fields = record.split()
        words = int(fields[3], 16)
        pointers = fields[5 + 2 * words :]
        parents = [
            f"n{target}"
            for symbol, target in zip(pointers[0::4], pointers[1::4])
            if symbol in ("@", "@i")
        ]
        nouns[f"n{fields[0]}"] = (
            fields[4].replace("_", " "),
            " ".join(parents),
            definition.strip(),
        )
    return nouns
