"""A page printed to PDF by a browser of this machine, with bookmarks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from html import unescape
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PRINTING = 300
"""Seconds that a browser may take."""


def print_pdf(html: Path, pdf: Path) -> bool:
    """Print a page with a browser of this machine, if there is one; tells whether it was done."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return False
    flags = [
        "--headless=new",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--no-pdf-header-footer",
        "--disable-pdf-tagging",  # a fifth of the size; bookmarks are added below
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")  # Chromium refuses its sandbox to the superuser
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            *flags,
            f"--user-data-dir={profile}",
            f"--print-to-pdf={pdf.resolve()}",
            html.resolve().as_uri(),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=PRINTING)  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            return False
    if not pdf.exists():
        return False
    headings = re.findall(r'<h([23]) id="([^"]+)">(.*?)</h', html.read_text(encoding="utf-8"), re.DOTALL)
    add_bookmarks(pdf, [(level == "3", ident, unescape(title)) for level, ident, title in headings])
    return True


def add_bookmarks(pdf: Path, headings: Sequence[tuple[bool, str, str]]) -> None:
    """Add bookmarks to a PDF with named places, by an update at its end; one of another form is left as it is.

    `headings`: (whether it belongs under the last that does not, place, title) of each.
    """
    data = pdf.read_bytes()
    found = [
        re.search(pattern, data)
        for pattern in (rb"/Root (\d+) 0 R", rb"/Size (\d+)", rb"startxref\s+(\d+)\s+%%EOF\s*$")
    ]
    kept = [one for one in headings if f"/{one[1]} [".encode() in data]
    if None in found or not kept or kept[0][0]:
        return
    root, size, xref = (int(one[1]) for one in found if one is not None)
    catalog = re.search(rb"\n%d 0 obj\n<<(.*?)>>\nendobj" % root, data, re.DOTALL)
    if catalog is None:
        return
    numbers = list(range(size + 1, size + 1 + len(kept)))
    tops = [number for number, (under, *_) in zip(numbers, kept, strict=True) if not under]
    parents = [
        size if not under else max(top for top in tops if top < number)
        for number, (under, *_) in zip(numbers, kept, strict=True)
    ]
    own = {
        parent: [n for n, of in zip(numbers, parents, strict=True) if of == parent] for parent in {*parents}
    }

    def ends(parent: int) -> str:
        return (
            f"/First {own[parent][0]} 0 R /Last {own[parent][-1]} 0 R /Count {'' if parent == size else '-'}{len(own[parent])}"
            if parent in own
            else ""
        )

    objects = {
        root: b"<<" + catalog[1] + b"\n/Outlines %d 0 R>>" % size,
        size: f"<</Type /Outlines {ends(size)}>>".encode(),
    }
    for number, parent, (_, place, title) in zip(numbers, parents, kept, strict=True):
        row = own[parent]
        at = row.index(number)
        beside = (f"/Prev {row[at - 1]} 0 R " if at else "") + (
            f"/Next {row[at + 1]} 0 R " if at + 1 < len(row) else ""
        )
        words = f"feff{title.encode('utf-16-be').hex()}"
        objects[number] = (
            f"<</Title <{words}> /Parent {parent} 0 R {beside}/Dest /{place} {ends(number)}>>".encode()
        )
    table = []
    for number, text in objects.items():
        table.append(b"%d 1\n%010d 00000 n \n" % (number, len(data)))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    trailer = b"trailer\n<</Size %d /Root %d 0 R /Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
        numbers[-1] + 1,
        root,
        xref,
        len(data),
    )
    pdf.write_bytes(data + b"xref\n" + b"".join(table) + trailer)
