"""Cut the shipped fonts out of Noto Sans CJK (Debian package fonts-noto-cjk).

    python .ci/subset_fonts.py /usr/share/fonts/opentype/noto

Regular: Latin, Greek, punctuation and the 3755 level-1 characters of GB 2312, so that a
user's own Chinese title prints, and every character in the name of a province, city or county of China
(`place_characters.txt`). Bold: what our own words and labels use, for headings; what it lacks comes from Regular.
The families are renamed, so that a full Noto on the user's machine never takes their place, and
differ, so that a heading's rare character falls back on Regular.
Needs fonttools; run again when words or labels change (a test says when).
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

ROOT = Path(__file__).resolve().parents[1]
FAMILIES = {"Regular": "talent_sd Sans", "Bold": "talent_sd Heading"}
LATIN = [*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x391, 0x3CA)]
MARKS = [
    *range(0x2010, 0x2028),
    0x2030,
    0x2032,
    0x2033,
    0x2039,
    0x203A,
    *range(0x2070, 0x208F),
    0x20AC,
    0x2103,
    *range(0x2190, 0x2194),
    0x2212,
    0x221E,
    0x2248,
    0x2260,
    0x2264,
    0x2265,
    0x25A0,
    0x25A1,
    0x25B2,
    0x25BC,
    0x25CB,
    0x25CF,
    *range(0x3000, 0x3018),
    *range(0xFF01, 0xFF5F),
]
SOURCES = [
    "talent_sd/base/locale/zh/LC_MESSAGES/talent_sd.po",
    "models/labels.yaml",
    "models/loops.yaml",
    "scenarios",
    "tests/conftest.py",
]


def level_one() -> set[int]:
    """Code points of the 3755 most common characters (GB 2312, rows 16 to 55)."""
    rows = ((high, low) for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF))
    return {ord(bytes(pair).decode("gb2312")) for pair in rows if pair < (0xD7, 0xFA)}


def own_words() -> set[int]:
    """Code points in the words, labels and scenario files of this project."""
    found: set[int] = set()
    for name in SOURCES:
        place = ROOT / name
        files = place.rglob("*.yaml") if place.is_dir() else [place] if place.is_file() else []
        for file in files:
            found.update(map(ord, file.read_text("utf-8")))
    return {point for point in found if point >= 0x20}


def cut(collection: Path, weight: str, points: set[int], target: Path) -> None:
    """Write the simplified-Chinese face of `collection`, cut down to `points`."""
    font = next(f for f in TTCollection(collection).fonts if f["name"].getDebugName(1) == "Noto Sans CJK SC")
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.notdef_outline = True
    options.drop_tables += ["VORG", "vhea", "vmtx", "BASE", "GSUB", "GPOS"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=points)
    cutter.subset(font)
    rename(font, weight)
    font.save(target)


def rename(font: TTFont, weight: str) -> None:
    """Give the face our family name; keep the copyright and licence entries."""
    family = FAMILIES[weight]
    names = {1: family, 2: "Regular", 4: family, 6: f"talent_sd-{weight}"}
    table = font["name"]
    table.names = [record for record in table.names if record.nameID in (0, 5, 7, 13, 14)]
    for name_id, text in names.items():
        table.setName(text, name_id, 3, 1, 0x409)
    # each weight is a family of its own, hence its "regular": no search for a bold that is not there
    font["OS/2"].usWeightClass, font["OS/2"].fsSelection, font["head"].macStyle = 400, 0x40, 0
    top = font["CFF "].cff
    top.topDictIndex[0].Weight = "Regular"
    top.fontNames = [names[6]]
    top.topDictIndex[0].FullName = top.topDictIndex[0].FamilyName = family


def main() -> None:
    """Cut both weights into the package."""
    source, target = Path(sys.argv[1]), ROOT / "talent_sd" / "output" / "fonts"
    places = set(map(ord, Path(__file__).with_name("place_characters.txt").read_text("utf-8"))) - {0x0A}
    base, own = {*LATIN, *MARKS}, own_words()
    cut(
        source / "NotoSansCJK-Regular.ttc",
        "Regular",
        base | own | level_one() | places,
        target / "regular.otf",
    )
    cut(source / "NotoSansCJK-Bold.ttc", "Bold", base | own, target / "bold.otf")


if __name__ == "__main__":
    main()
