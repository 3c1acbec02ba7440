"""The track record that reports tell is the one that the model's README tells."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from talent_sd.backtest.forecast_scores import read_track_record
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import tell
from talent_sd.inputs import load_city
from talent_sd.output.backtest_tables import OUTCOMES
from talent_sd.uncertainty.posterior import read_posterior

ROOT = Path(__file__).parents[2]
BOLD = "**"


def rows(first: str) -> list[list[str]]:
    """Cells of the README's table whose heading starts so."""
    lines = (ROOT / "models" / "README.md").read_text(encoding="utf-8").splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(first)) + 2
    table = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        table.append(
            [cell.strip().replace(BOLD, "").replace("−", "-") for cell in line.strip("|").split("|")]
        )
    return table


def test_the_scores_are_the_readmes() -> None:
    told = []
    for score in read_track_record().scores:
        baselines = [
            "–" if error is None else f"{error:.3f}"
            for error in (score.constant_share, score.trend, score.damped_trend)
        ]
        low, high = score.against_best
        told.append(
            [
                f"{score.years[0]}→{score.years[1]}",
                tell(OUTCOMES[score.outcome], "en"),
                f"{score.model:.3f}",
                *baselines,
                f"{low:+.3f} … {'-0.000' if str(high) == '-0.0' else f'{high:+.3f}'}",
                f"{score.crps:.3f}",
                f"{100 * score.coverage_80:.0f} %",
            ]
        )
    unseen = [row[1:] for row in rows("| cities | years | outcome") if row[0].startswith("unseen")]
    assert told == [[*row[:8], row[9].split(" ±")[0]] for row in unseen]


def test_the_other_tests_are_the_readmes() -> None:
    told = [
        [one.way.en, *(f"{model:.3f} ({best:.3f})" for model, best in one.errors.values())]
        for one in read_track_record().others
    ]
    assert told == rows("| judged on | ")


def test_the_cities_are_the_readmes() -> None:
    told = []
    for name, city in read_track_record().cities.items():
        mark = " *" if city.borders_changed else ""
        told.append(
            [
                name.title() + mark,
                "fitted" if city.fitted else "unseen",
                *(f"{e:+.2f}" for e in city.errors.values()),
            ]
        )
    assert told == rows("| city | | tertiary-educated")


def test_the_posterior_tested_is_the_one_that_ships() -> None:
    shipped = (shipped_folder("models") / "posterior.json").read_bytes()
    assert read_track_record().posterior_sha256 == hashlib.sha256(shipped).hexdigest()


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((-0.05, -0.01), "better"),
        ((-0.033, -0.0), "better"),
        ((-0.02, 0.01), "level"),
        ((0.01, 0.03), "worse"),
    ],
)
def test_only_a_whole_interval_below_zero_is_better(interval: tuple[float, float], verdict: str) -> None:
    score = read_track_record().scores[0].model_copy(update={"against_best": interval})
    assert score.verdict == verdict


def test_the_unseen_cities_are_named_and_no_city_of_the_fit_is_among_them() -> None:
    record = read_track_record()
    assert not set(record.unseen) & set(read_posterior().fitted)
    own = {f"{load_city(name).title['zh']}市" for name, city in record.cities.items() if not city.fitted}
    assert own == own & set(record.unseen)
    assert record.others[0].cities == len(record.unseen) == len(set(record.unseen))


def test_the_record_is_of_the_equations_that_ship() -> None:
    (program,) = (shipped_folder("models") / "compiled").glob("program.*.json")
    assert read_track_record().program_sha256 == program.read_text("utf-8").splitlines()[0]
