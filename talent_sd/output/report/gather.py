"""Gather what a report tells from a comparison and from what ships with the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from talent_sd.backtest.track_record import read_track_record
from talent_sd.base.dims import CITY
from talent_sd.engine.runner import model_constants
from talent_sd.evidence.evidence_findings import measure_evidence
from talent_sd.forecast.provenance import files_read, package_versions
from talent_sd.inputs.labels import Labels
from talent_sd.laboratory.findings import is_city_model
from talent_sd.output.report.report_material import Material

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from talent_sd.forecast.prepare import Prepared
    from talent_sd.output.report.cities_page import CitiesMaterial


def gather(
    prepared: Prepared,
    spread: xr.Dataset,
    change: xr.Dataset,
    labels: Labels,
    lang: str = "en",
    *,
    command: str = "",
    policies: xr.Dataset | None = None,
    policy_plots: Mapping[str, Mapping[str, Sequence[tuple[str, Figure]]]] | None = None,
    notices: Mapping[str, Sequence[str]] | None = None,
) -> Material:
    """Return the material of a report; the article's figures are measured on the model in passing.

    Parameters
    ----------
    prepared : what was run
    spread : dims (scenario, draw, time, ...)
    change : as `compare` gives it
    command : what repeats the comparison
    policies : what each policy adds and costs
    policy_plots : language to scenario to (caption, figure)
    notices : language to what the numbers do not show
    """
    known = is_city_model(prepared.model)
    return Material(
        prepared.resolved,
        spread,
        change,
        labels,
        lang,
        policies=policies,
        policy_plots=policy_plots or {},
        findings=measure_evidence(prepared.model) if known else (),
        record=read_track_record() if known else None,
        files=files_read(prepared),
        versions=package_versions(),
        command=command,
        notices=notices or {},
        defaults=model_constants(prepared.model),
    )


def gather_cities(
    prepared: Mapping[str, Prepared],
    frames: Mapping[str, xr.Dataset],
    change: xr.Dataset,
    labels: Labels,
    lang: str = "en",
    *,
    command: str = "",
    notices: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
) -> CitiesMaterial:
    """Return the material of a report on several cities; the article's figures are measured once.

    Parameters
    ----------
    prepared : city -> what was run
    frames : city -> its forecast without outputs: dims, titles, attributes
    change : dims (scenario, city, draw, time, ...), as `compare_cities` gives it
    command : what repeats the comparison
    notices : city -> language -> what the numbers do not show
    """
    from talent_sd.output.report.cities_page import CitiesMaterial

    first = next(iter(prepared.values()))
    known = is_city_model(first.model)
    findings = measure_evidence(first.model) if known else ()
    record = read_track_record() if known else None
    versions, defaults = package_versions(), model_constants(first.model)
    cities = {
        name: Material(
            one.resolved,
            frames[name],
            change.sel({CITY: name}),
            labels,
            lang,
            findings=findings,
            record=record,
            files=files_read(one),
            versions=versions,
            command=command,
            notices=(notices or {}).get(name, {}),
            defaults=defaults,
        )
        for name, one in prepared.items()
    }
    return CitiesMaterial(change, cities)
