"""A small model's structure, and files in a temporary folder."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from talent_sd.model.structure import Structure, Variable

POLICIES = ("cash_subsidy", "industry_fund", "venture_fund", "talent_apartments", "housing_voucher")
TIERS = ("leading", "professional")


def _variable(
    name: str, unit: str = "", low: float | None = None, high: float | None = None, **more: object
) -> Variable:
    return Variable(name=name, kind=more.pop("kind", "constant"), unit=unit, limits=(low, high), **more)


@pytest.fixture
def structure() -> Structure:
    """A model with five policies, one shock, some constants and two lookups."""
    listed = [
        _variable("policy switch", "Dmnl", 0, 1, dims=("policy",)),
        _variable("policy start", "year", 2000, 2100, dims=("policy",)),
        _variable("policy end", "year", 2000, 2200, dims=("policy",)),
        _variable("policy ramp time", "year", 0, 10, dims=("policy",)),
        _variable("policy pause start", "year", 2000, 2100, dims=("policy",)),
        _variable("policy pause end", "year", 2000, 2100, dims=("policy",)),
        _variable("policy targeting", "Dmnl", 0.2, 1, dims=("policy",)),
        _variable("policy budget share", "Dmnl", 0, 0.5),
        _variable("industry fund effect", "Dmnl", kind="auxiliary"),
        _variable("industry fund intensity", "Dmnl", 0, 0.2),
        _variable("cash subsidy unit cost", "yuan/person", 0, 1e7),
        _variable("core team exit time", "year", 2000, 2200),
        _variable("core team exit size", "Dmnl", 0, 1),
        _variable("retirement rate", "1/year", 0, 0.1),
        _variable("reference hazard", "1/year", 0, 1, dims=("tier",)),
        _variable("city residents", "person", 1e4, 5e7),
        _variable("city average wage", "yuan/(person*year)", 1000, 1e6),
        _variable("national residents path", "person", kind="lookup"),
        _variable("national gdp path", "yuan/year", kind="lookup"),
        _variable("talent", "person", kind="stock"),
        _variable("residents growth noise", "1/year"),
        _variable("FINAL TIME", "year", kind="time"),
    ]
    time = {"INITIAL TIME": 2022.0, "FINAL TIME": 2034.0, "TIME STEP": 0.0625}
    return Structure("city.mdl", "0", {v.name: v for v in listed}, {"policy": POLICIES, "tier": TIERS}, time)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Write a file in a fresh working folder and return its relative path."""
    monkeypatch.chdir(tmp_path)

    def write_file(name: str, text: str) -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write_file
