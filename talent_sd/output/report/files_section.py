"""Where the numbers come from, and how to repeat them."""

from __future__ import annotations

from collections.abc import Mapping

from talent_sd.base.dims import DRAW, TIME
from talent_sd.output.report.html_pieces import Cell, Table, plain_table
from talent_sd.output.report.report_material import Material
from talent_sd.output.report.sentences import Speech

SHOWN = (
    ("provenance.source", "source"),
    ("provenance.model", "model"),
    ("provenance.model_hash", "model_sha256"),
    ("provenance.engine", "engine"),
    ("provenance.national", "national_path"),
    ("provenance.national_paths", "national_paths"),
    ("provenance.seed", "seed"),
    ("provenance.sampling", "sampling"),
    ("provenance.posterior", "posterior"),
    ("provenance.priors", "priors"),
    ("provenance.noise", "process_noise"),
)


def provenance_table(material: Material, speech: Speech) -> Table:
    """Return versions, hashes and seed: what the forecast's dataset says of itself, and the packages."""
    spread = material.spread
    attrs = spread.attrs
    years = spread[TIME].values
    rows: list[list[str | Cell]] = [
        [speech("provenance.years"), Cell(f"{years[0]:g}–{years[-1]:g}")],
        [speech("provenance.draws"), Cell(str(int(attrs.get("draws", spread.sizes[DRAW]))))],
    ]
    for key, name in SHOWN:
        if attrs.get(name) not in (None, ""):
            rows.append([speech(key), Cell(str(attrs[name]), kind="code")])
    rows += [[package, Cell(version or "–", kind="code")] for package, version in material.versions.items()]
    return plain_table(speech("caption.provenance"), [speech("what"), speech("value")], rows)


def files_table(files: Mapping[str, str], speech: Speech) -> Table | None:
    """Return every file read, with its SHA-256."""
    if not files:
        return None
    rows: list[list[str | Cell]] = [
        [name, Cell(digest, kind="code")] for name, digest in files.items()
    ]
    return plain_table(speech("caption.files"), [speech("file"), "SHA-256"], rows)
