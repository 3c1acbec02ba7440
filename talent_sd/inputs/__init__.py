"""Scenarios, cities, national paths and panels: what users write, and what a run is given.

In: YAML and CSV files.
Out: checked values with their origin, or every problem of the files at once.
"""

from talent_sd.inputs.city_figures import City, DatedFigure, Value, city_constants, read_mapping
from talent_sd.inputs.city_files import list_cities, load_city
from talent_sd.inputs.city_panel import Panel, read_panel
from talent_sd.inputs.input_files import check_file
from talent_sd.inputs.national_paths import (
    NationalPath,
    national_lookups_text,
    national_params,
    read_national,
)
from talent_sd.inputs.resolved_inputs import Resolved, resolve_scenario
from talent_sd.inputs.scenario_chain import Scenario, list_scenarios, load_scenario
from talent_sd.inputs.settings import Origin, Setting

__all__ = [
    "City",
    "DatedFigure",
    "NationalPath",
    "Origin",
    "Panel",
    "Resolved",
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
