"""The page a planner hands over: one offline HTML file, in both languages."""

from talent_sd.output.report.gather import gather
from talent_sd.output.report.material import Material
from talent_sd.output.report.page import render_report, write_report

__all__ = ["Material", "gather", "render_report", "write_report"]
