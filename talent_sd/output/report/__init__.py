"""The page a planner hands over: one offline HTML file, in both languages.

In: a comparison with all that it rests on.
Out: the page.
"""

from talent_sd.output.report.material import CitiesMaterial, Material, gather, gather_cities
from talent_sd.output.report.page import render_report, write_report

__all__ = ["CitiesMaterial", "Material", "gather", "gather_cities", "render_report", "write_report"]
