"""Reports to look at: one of shipped scenarios, one whose every text is hostile."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import talent_sd as ts
from talent_sd.backtest.forecast_scores import read_track_record
from talent_sd.base.files import shipped_folder
from talent_sd.evidence import measure_evidence
from talent_sd.forecast.compare import compare
from talent_sd.forecast.prepare import prepare
from talent_sd.forecast.result_files import write_comparison_table
from talent_sd.inputs.labels import shipped_labels
from talent_sd.output.report import Material, write_report

OUTPUTS = ("total talent", "invention grants", "tax base", "social security balance", "City Brand")
DRAWS = 8
POISON = """<script>alert(1)</script><img src=x onerror=alert(1)>"'`{{7*7}}{% raw %}]]>--><svg onload=alert(1)>$\\frac{$&amp;</style>"""
"""Opens a script, an attribute, a template, a comment, a style and a formula, wherever it stands."""


@dataclass(frozen=True)
class Page:
    """A report as it was written, what it was made from, and the table beside it."""

    path: Path
    material: Material
    table: Path

    @property
    def html(self) -> str:
        return self.path.read_text(encoding="utf-8")


def _pairs(share: np.ndarray) -> np.ndarray:
    """Make up interactions: the first policy and the last help each other, the first two do not."""
    pairs = np.zeros((*share.shape[:4], share.shape[3], share.shape[4]))
    if share.shape[3] > 1:
        for first, second, part in ((0, -1, 0.2), (0, 1, -0.1)):
            pairs[:, :, :, first, second] = pairs[:, :, :, second, first] = part * abs(share).sum(3)
    return pairs


def invented_effects(names: list[str], policies: list[str], draws: int = 3) -> xr.Dataset:
    """Make up a split of policies: shares that add up, and a mix that falls short of its parts by a tenth."""
    random = np.random.default_rng(1)
    years = np.arange(2022.0, 2035.0)
    sizes = (len(names), len(OUTPUTS), draws, len(policies), len(years))
    dims = ("scenario", "output", "draw", "policy", "time")
    share = random.uniform(0.5, 2, sizes) * np.array([1e5, 400, 1e10, -1e9, 0.02])[None, :, None, None, None]
    share *= (years > 2024) * (years - 2024)
    total = share.sum(3)
    cost = random.uniform(1e9, 5e9, (len(names), draws, len(policies)))
    people = share[:, 0, :, :, -1]
    per = cost / people
    amounts = np.stack([people, people * 10, people * 0, people * 1e5])
    data = {
        "contribution": (dims, share),
        "alone": (dims, share / 0.9),
        "total": (("scenario", "output", "draw", "time"), total),
        "paid_in_year": (("scenario", "draw", "policy", "time"), np.repeat(cost[..., None], len(years), -1)),
        "interaction": (("scenario", "output", "draw", "policy", "other", "time"), _pairs(share)),
        "amount": (("measure", "scenario", "draw", "policy"), amounts),
        "mix_amount": (("measure", "scenario", "draw"), amounts.sum(3)),
        "mix_cost_per": (("measure", "scenario", "draw"), np.full((4, len(names), draws), 2e5)),
        "caused_cost": (("scenario", "draw", "policy"), cost * 9),
        "present_cost": (("scenario", "draw", "policy"), cost * 10),
        "mix_cost": (("scenario", "draw"), cost.sum(2) * 10),
        "mix_yearly": (("scenario", "draw"), cost.sum(2)),
        "cost_per": (
            ("measure", "scenario", "draw", "policy"),
            np.stack([per, per / 10, per * np.inf, per / 1e5]),
        ),
    }
    units = ["person", "patent/year", "yuan/year", "yuan/year", "1"]
    coords = {
        "scenario": names,
        "output": list(OUTPUTS),
        "unit": ("output", units),
        "draw": np.arange(draws),
        "policy": policies,
        "other": policies,
        "time": years,
        "measure": ["person", "person_year", "patent", "tax_base"],
    }
    return xr.Dataset(data, coords, {"discount_rate": 0.03, "draws": draws, "base_year": 2024.0})


def _page(
    folder: Path,
    scenarios: list[str | Path],
    city: str | Path,
    policies: list[str],
    lang: str,
    measured: bool = True,
) -> Page:
    prepared = prepare(scenarios, city)
    names = [*OUTPUTS, "Talent", "years of balance"]
    spread = ts.ensemble(scenarios, city=city, draws=DRAWS, seed=1, outputs=names)
    change = compare(spread, baseline=next(iter(prepared.resolved)))
    others = [str(name) for name in change["scenario"].values]
    labels = shipped_labels() if measured else replace(shipped_labels(), headline=("City Brand",))
    material = Material(
        prepared.resolved,
        spread,
        change,
        labels,
        lang,
        policies=invented_effects(others, policies),
        findings=measure_evidence(prepared.model) if measured else (),
        record=read_track_record(),
        files={str(city): "0" * 64},
        versions={"numpy": "2.0"},
        command=f"talent-sd compare {' '.join(map(str, scenarios))} --city {city}",
    )
    path, table = folder / "report.html", folder / "comparison.csv"
    write_report(path, material)
    write_comparison_table(change, table, labels.lower_is_better)
    return Page(path, material, table)


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A report of shipped scenarios, English first."""
    scenarios: list[str | Path] = ["baseline", "cash_subsidy_only", "hefei_combination"]
    policies = ["industry_fund", "venture_fund", "talent_apartments"]
    return _page(tmp_path_factory.mktemp("report"), scenarios, "hefei", policies, "en")


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A report in which every text that a user can write tries to get out."""
    import json

    folder = tmp_path_factory.mktemp("hostile")
    words = json.dumps(POISON)
    both = f"{{en: {words}, zh: {words}}}"
    name = "<img src=x onerror=alert(1)>\"'"
    scenario = folder / f"{name}.yaml"
    scenario.write_text(
        f"title: {both}\nquestion: {both}\nclaims: {both}\nfinding: {both}\nextends: baseline\n"
        f"policies:\n  industry_fund: {{from: 2025, why: {words}, source: {words}, evidence: [E11]}}\n",
        encoding="utf-8",
    )
    lines = (shipped_folder("scenarios") / "cities" / "hefei.yaml").read_text(encoding="utf-8").splitlines()
    city = folder / f"city {name}.yaml"
    city.write_text(
        "\n".join(
            f"name: {both}"
            if line.startswith("name:")
            else f"  - {words}"
            if line.startswith("  - ")
            else line.replace(
                '"China City Statistical Yearbook; Anhui Statistical Yearbook; Hefei communiqués"', words
            )
            for line in lines
        ),
        encoding="utf-8",
    )
    return _page(folder, ["baseline", scenario], city, ["industry_fund", POISON], "zh", measured=False)


@dataclass(frozen=True)
class CitiesPage:
    """A report on several cities, and the table beside it."""

    path: Path
    table: Path


@pytest.fixture(scope="session")
def cities_page(tmp_path_factory: pytest.TempPathFactory) -> CitiesPage:
    """A report of two scenarios in two cities, one with a hostile title."""
    from talent_sd.forecast.compare import compare_cities, prepare_cities
    from talent_sd.output.report import gather_cities, write_report

    folder = tmp_path_factory.mktemp("cities")
    own = folder / "own.yaml"
    words = json.dumps(POISON)
    own.write_text(
        f"title: {{en: {words}, zh: {words}}}\nextends: cash_subsidy_only\n"
        "policies:\n  talent_apartments: {from: 2026}\n",
        encoding="utf-8",
    )
    scenarios = ["baseline", "cash_subsidy_only", str(own)]
    prepared = prepare_cities(scenarios, ["hefei", "wuxi"])
    frames: dict[str, xr.Dataset] = {}

    def run(one):
        names = [*OUTPUTS, "Talent", "years of balance"]
        city = next(iter(one.resolved.values())).city.name
        spread = ts.ensemble(scenarios, city=city, draws=DRAWS, seed=1, outputs=names)
        frames[city] = spread.drop_vars(list(spread.data_vars))
        return spread

    change = compare_cities(prepared, run)
    labels = shipped_labels()
    material = gather_cities(
        prepared,
        frames,
        change,
        labels,
        command="talent-sd compare",
        notices={"wuxi": {"en": [POISON], "zh": [POISON]}},
    )
    path, table = folder / "report.html", folder / "comparison.csv"
    write_report(path, material)
    write_comparison_table(change, table, labels.lower_is_better)
    return CitiesPage(path, table)
