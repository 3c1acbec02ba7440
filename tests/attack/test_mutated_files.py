"""Files changed at random: taken, or refused in words; never another error."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from talent_sd.base.errors import InputError, OddFigure, UnsupportedError
from talent_sd.base.files import shipped_folder
from talent_sd.forecast.prepare import check_file
from talent_sd.inputs.csv_tables import read_table
from talent_sd.uncertainty.posterior import read_posterior

from .conftest import SEED, WHOLE

Attacked = Callable[[], None]
PIECES = ("", "\0", "\n", ":", "{", "}", "[", "]", "-", "&a", "*a", "!!python/object", "|", "~", "'", '"', "1e999", "-1",
          ".nan", "null", "\t", "\ud7ff", "\u202e", "9" * 400, "=", ",", "#", "%YAML 1.1", "<<: ", "\\", "(", ")", "\x1b")  # fmt: skip
MODEL = "{UTF-8}\na = INTEG(b, 1)~unit~doc. Source: x|\nb = a * c~unit/year~|\nc = 0.1~1/year [0,1]~|\nINITIAL TIME=0~~|\nFINAL TIME=2~~|\nTIME STEP=1~~|\n"
TABLE = "city,year,gdp\na,2010,1e9\nb,2011,2e9\nc,2012,\n"


def _sources() -> dict[str, tuple[str, Callable[[Path], object], int]]:
    scenarios = shipped_folder("scenarios")
    read = lambda path: path.read_text("utf-8")  # noqa: E731
    return {
        "scenario.yaml": (read(scenarios / "hefei_combination.yaml"), check_file, 400),
        "city.yaml": (read(scenarios / "cities" / "wuxi.yaml")[:6000], check_file, 300),
        "nation.yaml": (read(scenarios / "national" / "low_growth.yaml"), check_file, 200),
        "model.mdl": (MODEL, check_file, 500),
        "table.csv": (TABLE, read_table, 300),
        "posterior.json": (read(shipped_folder("models") / "posterior.json")[:3000], read_posterior, 100),
    }


@pytest.mark.parametrize("name", _sources())
def test_mutated_files(name: str, tmp_path: Path, attacked: Attacked) -> None:
    text, reads, most = _sources()[name]
    for number in range(most if WHOLE else 4):
        chance = np.random.default_rng([SEED, number])
        changed = text
        for _ in range(chance.integers(1, 4)):
            place, length = int(chance.integers(len(changed) + 1)), int(chance.choice([0, 1, 5, 50]))
            changed = changed[:place] + PIECES[chance.integers(len(PIECES))] + changed[place + length :]
        file = tmp_path / name
        file.write_text(changed, encoding="utf-8", newline="")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OddFigure)
            try:
                reads(file)
            except (InputError, UnsupportedError) as error:
                assert str(error).strip(), changed  # noqa: PT017
        attacked()
