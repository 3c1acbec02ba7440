"""The page a planner hands over: one offline HTML file, in both languages."""

from talent_sd.output.report.cities_page import CitiesMaterial, render_cities_report, write_cities_report
from talent_sd.output.report.gather import gather, gather_cities
from talent_sd.output.report.report_material import Material
from talent_sd.output.report.scenario_page import render_report, write_report

__all__ = [
    "CitiesMaterial",
    "Material",
    "gather",
    "gather_cities",
    "render_cities_report",
    "render_report",
    "write_cities_report",
    "write_report",
]
