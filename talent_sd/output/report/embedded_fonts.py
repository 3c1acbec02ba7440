"""The shipped fonts, cut to the characters of one page and put inside it: it looks the same everywhere."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from talent_sd.output.style import BODY, HEADING

FOLDER = Path(__file__).parents[1] / "fonts"


def font_faces(text: str) -> str:
    """Return the CSS of the fonts that a text needs, as data inside it.

    Characters that the shipped fonts lack are left to the reader's own.
    """
    # the shipped quotation marks are as wide as a Chinese character: English takes the reader's own
    points = {ord(character) for character in text} - {0x2018, 0x2019, 0x201C, 0x201D}
    faces = []
    for family, file in ((BODY, "regular.otf"), (HEADING, "bold.otf")):
        data = base64.b64encode(_cut(FOLDER / file, points)).decode("ascii")
        faces.append(
            f'@font-face{{font-family:"{family}";src:url(data:font/woff;base64,{data}) format("woff")}}'
        )
    return "\n".join(faces)


def _cut(file: Path, points: set[int]) -> bytes:
    """Return a font with these characters alone, as WOFF."""
    from fontTools import subset

    options = subset.Options(flavor="woff", layout_features=[], notdef_outline=True, recalc_timestamp=False)
    target = io.BytesIO()
    with subset.load_font(str(file), options) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=points)
        cutter.subset(font)
        subset.save_font(font, target, options)
    return target.getvalue()
