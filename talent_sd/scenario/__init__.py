"""Scenarios, cities and national paths: what is read from files and handed to a run."""

from talent_sd.scenario.chain import Origin, Scenario, Setting, list_scenarios, load_scenario
from talent_sd.scenario.check_file import check_file
from talent_sd.scenario.cities import list_cities, load_city
from talent_sd.scenario.figures import City, DatedFigure, Value, city_constants, read_mapping
from talent_sd.scenario.national import (
    NationalPath,
    national_lookups_text,
    national_params,
    read_national,
)
from talent_sd.scenario.panel import Panel, read_panel
from talent_sd.scenario.parameters import ResolvedValue
from talent_sd.scenario.resolve import Resolved, resolve_scenario

__all__ = [
    "City",
    "DatedFigure",
    "NationalPath",
    "Origin",
    "Panel",
    "Resolved",
    "ResolvedValue",
    "Scenario",
    "Setting",
    "Value",
    "check_file",
    "city_constants",
    "list_cities",
    "list_scenarios",
    "load_city",
    "load_scenario",
    "national_lookups_text",
    "national_params",
    "read_mapping",
    "read_national",
    "read_panel",
    "resolve_scenario",
]
