"""Where a forecast comes from: what the dataset says of itself, and the capsule `run.json`."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talent_sd.base.dims import DRAW, SCENARIO, TIME, name_axes
from talent_sd.base.version import __version__

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.forecast.prepare import Prepared
    from talent_sd.inputs import Resolved

KNOWN_UNTIL = 2024.0
"""Last year whose national figures are known; the ten years after it are the forecast."""
PACKAGES = ("numpy", "xarray", "pandas", "pysd", "llvmlite", "netCDF4")


def describe(forecast: xr.Dataset, prepared: Prepared) -> xr.Dataset:
    """Add CF attributes, titles in both languages, and the files that the numbers follow from.

    Parameters
    ----------
    forecast : dims (scenario, draw, time, ...)
    prepared : what it was run from
    """
    structure = prepared.model.structure
    first = prepared.first
    attrs = {
        "Conventions": "CF-1.11",
        "title": f"talent_sd forecast for {first.city.title['en']}",
        "source": f"talent_sd {__version__}",
        "model": Path(structure.path).name,
        "model_sha256": structure.sha256,
        "city": first.city.name,
        "city_en": first.city.title["en"],
        "city_zh": first.city.title["zh"],
        "national_path": first.national.name,
        "engine": forecast.attrs["engine"],
        "forecast_from": min(max(KNOWN_UNTIL, first.start_year), first.final_year),
    }
    titles = {
        f"title_{lang}": (
            SCENARIO,
            [resolved.scenario.title[lang] for resolved in prepared.resolved.values()],
        )
        for lang in ("en", "zh")
    }
    return name_axes(forecast.assign_coords(titles).assign_attrs(attrs))


def write_capsule(
    prepared: Prepared, forecast: xr.Dataset, file: Path, *, seed: int = 0, notices: Sequence[str] = ()
) -> None:
    """Write what is needed to know, and repeat, how a forecast came about.

    Versions, SHA-256 of every file read, seed, and each scenario's resolved inputs with
    their origin and what they replaced.

    Parameters
    ----------
    notices : what the numbers do not show, in English
    """
    capsule = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "talent_sd": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": package_versions(),
        "engine": forecast.attrs["engine"],
        "seed": seed,
        "sampling": forecast.attrs.get("sampling"),
        "priors_sha256": forecast.attrs.get("priors"),
        "draws": int(forecast.attrs.get("draws", forecast.sizes[DRAW])),
        "years": [float(forecast[TIME][0]), float(forecast[TIME][-1])],
        "files": [{"file": name, "sha256": digest} for name, digest in files_read(prepared).items()],
        "city": forecast.attrs["city"],
        "notices": list(notices),
        "scenarios": {name: _inputs(resolved) for name, resolved in prepared.resolved.items()},
    }
    file.write_text(json.dumps(capsule, ensure_ascii=False, indent=1), encoding="utf-8")


def files_read(prepared: Prepared) -> dict[str, str]:
    """Return every file that a forecast follows from, as messages name it, with its SHA-256."""
    from talent_sd.inputs.strict_yaml import shown

    structure = prepared.model.structure
    files = {shown(Path(structure.path)): structure.sha256}
    for resolved in prepared.resolved.values():
        files |= {name: _sha256(path) for name, path in resolved.sources.items() if name not in files}
    return files


def package_versions() -> dict[str, str | None]:
    """Return the versions of the packages that a forecast's numbers may depend on; None: not installed."""
    return {name: _version(name) for name in PACKAGES}


def _inputs(resolved: Resolved) -> dict[str, Any]:
    return {
        "title": dict(resolved.scenario.title),
        "national_path": resolved.national.name,
        "inputs": [
            {
                "name": value.key,
                "value": value.value,
                "unit": value.unit,
                "file": value.origin.file,
                "line": value.origin.line,
                "text": value.origin.text,
                "change": value.change,
            }
            for value in resolved.values.values()
        ],
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _version(package: str) -> str | None:
    """Version of an installed package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
