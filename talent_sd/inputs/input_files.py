"""Lint one scenario, city or national file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.errors import InputError, Problems
from talent_sd.inputs.checking import Checking, Horizon
from talent_sd.inputs.city_figures import city_constants, read_mapping
from talent_sd.inputs.city_files import load_city
from talent_sd.inputs.file_kinds import part_of_a_model
from talent_sd.inputs.national_paths import read_national
from talent_sd.inputs.resolved_inputs import DEFAULT_CONTEXT, named_context
from talent_sd.inputs.scenario_chain import load_scenario
from talent_sd.inputs.setting_checks import check_city, check_national, check_scenario
from talent_sd.inputs.strict_yaml import UnsoundFile, read_yaml, shown

if TYPE_CHECKING:
    from talent_sd.inputs.settings import ModelStructure


def check_file(path: str | Path, structure: ModelStructure) -> tuple[str, tuple[str, ...]]:
    """Return the kind of a file and what is wrong with it.

    Parameters
    ----------
    path : a YAML file; what it holds tells its kind
    structure : the model that names, units and limits are checked against

    Returns
    -------
    "scenario", "city" or "national", and one line per problem (none: the file is good).
    """
    try:
        whole = read_yaml(Path(path))
    except UnsoundFile as error:
        if error.rest is None:
            return "file", error.problems
        whole = error.rest
    except InputError as error:
        return "file", error.problems
    if (other := part_of_a_model(whole, shown(Path(path)))) is not None:
        return "file", (other,)
    keys = set(whole.value) if isinstance(whole.value, dict) else set()
    kind = "city" if "figures" in keys else "national" if "variables" in keys else "scenario"
    problems = Problems()
    with problems.gathered():
        _check(kind, Path(path), structure, problems)
    return kind, tuple(dict.fromkeys(problems))


def _check(kind: str, path: Path, structure: ModelStructure, problems: Problems) -> None:
    """Check the file against the model."""
    horizon = Horizon.of(structure)
    if kind == "city":
        national = read_national(DEFAULT_CONTEXT)
        constants = city_constants(
            load_city(path), int(horizon.start), national, only=structure.variables, known_years=True
        )
        problems += check_city(constants, structure)
        return
    if kind == "scenario":
        scenario = load_scenario(path, problems)
        check_scenario(scenario, Checking(structure, horizon, problems=problems), read_mapping())
        problems += check_national(named_context(scenario), structure, horizon)
        return
    problems += check_national(read_national(path), structure, horizon)
