"""A page printed to PDF by a browser of this machine, with bookmarks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from html import escape, unescape
from pathlib import Path

from talent_sd.base.language import tell

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PAGED = re.compile(r'<a href="#([^"]+)" class="paged">[^<]*</a>')
PRINTING = 300
"""Seconds that a browser may take."""


def print_pdf(html: Path, pdf: Path, done: Callable[[int], None] = lambda _: None) -> bool:
    """Print a page with a browser of this machine, if there is one; tells whether it was done.

    Links of the class "paged" get the page that they lead to: the page is printed once to know it, and once with it;
    `done` is called with 1 after each.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return False
    text = html.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        numbered, first = Path(folder) / html.name, Path(folder) / "first.pdf"
        numbered.write_text(with_pages(text, {}), encoding="utf-8")
        if PAGED.search(text):
            if not _printed(browser, numbered, first, folder):
                return False
            numbered.write_text(with_pages(text, pages_of(first.read_bytes())), encoding="utf-8")
        done(1)
        if not _printed(browser, numbered, pdf, folder):
            return False
        done(1)
    headings = re.findall(r'<h([23]) id="([^"]+)">(.*?)</h', text, re.DOTALL)
    add_bookmarks(pdf, [(level == "3", ident, unescape(title)) for level, ident, title in headings])
    return True


def _printed(browser: str, html: Path, pdf: Path, folder: str) -> bool:
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
    command = [
        browser,
        *flags,
        f"--user-data-dir={folder}/profile",
        f"--print-to-pdf={pdf.resolve()}",
        html.as_uri(),
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=PRINTING)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return False
    return pdf.exists()


def with_pages(text: str, pages: Mapping[str, int]) -> str:
    """Write behind each link of the class "paged" on which page its place is; 000 of one that is not known."""
    lang = "zh" if '<html lang="zh' in text else "en"

    def told(link: re.Match[str]) -> str:
        number = tell("p. {number}", lang, number=pages.get(unescape(link[1]), "000"))
        return f'{link[0]} <span class="page">{escape(number)}</span>'

    return PAGED.sub(told, text)


def pages_of(data: bytes) -> dict[str, int]:
    """Return named place -> page, counted from 1, of a PDF as Chromium writes it; nothing of one of another form."""
    objects = {int(one[1]): one.end() for one in re.finditer(rb"\n(\d+) 0 obj\n", data)}

    def leaves(number: int) -> list[int]:
        """Return the pages below an object of the tree of pages, in order; of a page itself."""
        content = data[objects[number] : data.index(b"endobj", objects[number])]
        kids = re.search(rb"/Kids \[([^\]]*)\]", content)
        if kids is None:
            return [number]
        return [leaf for kid in re.findall(rb"(\d+) 0 R", kids[1]) for leaf in leaves(int(kid))]

    root = re.search(rb"/Type /Catalog\s*/Pages (\d+) 0 R", data)
    order = {} if root is None else {number: page for page, number in enumerate(leaves(int(root[1])), 1)}
    places = re.finditer(rb"/([^\s/\[\]<>()]+) \[(\d+) 0 R /XYZ", data)
    return {one[1].decode("latin-1"): order[int(one[2])] for one in places if int(one[2]) in order}


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
