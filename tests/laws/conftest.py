"""A city of four variables, and laws about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from talent_sd.analysis.laws_experiments import Bench
from talent_sd.analysis.laws_file import LawFile, read_laws
from talent_sd.engine.runner import load_model

MODEL = """{UTF-8}
tier: high, low ~ ~ Two. |
loop: pull ~ ~ One. |
policy: gift ~ ~ One. |
birth rate= 0.1 ~ 1/year [0,1] ~ Births. |
loop closed[loop]= 1 ~ Dmnl [0,1] ~ Switch. |
policy switch[policy]= 0 ~ Dmnl [0,1] ~ Switch. |
target= 100 ~ person [0,1000] ~ What the stock tends to. |
start= INITIAL(People) ~ person ~ At the start. |
People= INTEG (coming - going, 100) ~ person ~ A stock. |
coming= birth rate*(loop closed[pull]*People + (1 - loop closed[pull])*target) + 20*policy switch[gift] ~ person/year ~ In. |
going= People*hazard ~ person/year ~ Out. |
hazard= 0.1 + 0 * Time / start ~ 1/year ~ Of leaving. |
Crew[tier]= INTEG (0*Crew[tier], 10) ~ person ~ Nobody comes or goes. |
INITIAL TIME= 2022 ~ year ~|
FINAL TIME= 2034 ~ year ~|
TIME STEP= 0.0625 ~ year ~|
SAVEPER= 1 ~ year ~|
"""
LAWS = """
cities: [average]
at: 2025
until: 2040
lists:
  tier: {high: {zh: 高}, low: {zh: 低}}
quantities:
  people: {of: [People]}
  leaving: {of: [hazard]}
  all_leaving: {formula: people*leaving}
  high: {of: ["Crew[high]"]}
  crew: {of: [Crew]}
  ghosts: {of: [Ghosts]}
levers:
  fewer: {kick: [People]}
  leaving: {times: [hazard]}
  rate: {times: [birth rate]}
  more: {plus: [coming]}
  twice: {plus_of: {coming: going}}
  crew_{tier}: {for: tier, kick: ["Crew[{tier}]"]}
  ghosts: {kick: [Ghosts]}
experiments:
  shock: {do: {fewer: -0.1}}
  flight: {do: {leaving: 1}}
  baby_boom: {do: {rate: 0.5}}
  gifts: {do: {more: 10}}
  echo: {do: {twice: 1}}
  given: {policies: [gift]}
  cut: {cut: [pull]}
  cut_shock: {do: {fewer: -0.1}, cut: [pull], against: cut}
  joined_{tier}: {for: tier, do: {"crew_{tier}": 0.5}}
  haunted: {do: {ghosts: 0.1}}
laws:
"""


@pytest.fixture
def laws(tmp_path: Path) -> Callable[[str], LawFile]:
    """Write and read a file of laws that ends as given."""

    def read(text: str) -> LawFile:
        file = tmp_path / "laws.yaml"
        file.write_text(LAWS + text, encoding="utf-8")
        return read_laws(file)

    return read


@pytest.fixture
def bench(tmp_path: Path, laws: Callable[[str], LawFile]) -> Callable[[str], Bench]:
    """Make the bench of the small model and laws that end as given."""

    def make(text: str) -> Bench:
        model = tmp_path / "small.mdl"
        model.write_text(MODEL, encoding="utf-8")
        made = Bench(load_model(model), laws(text))
        made.places.inputs_of["baseline", "average"] = {}
        return made

    return make
