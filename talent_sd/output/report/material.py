"""What a report is made from: a comparison, and what ships with the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from talent_sd.backtest.forecast_scores import read_track_record
from talent_sd.base.dims import CITY, SCENARIO
from talent_sd.engine.runner import model_constants
from talent_sd.evidence import measure_evidence
from talent_sd.forecast.prepare import files_read, package_versions
from talent_sd.forecast.what_if import gaps
from talent_sd.inputs.labels import Labels
from talent_sd.laboratory.findings import is_city_model
from talent_sd.output.city_tables import ToldGaps, lacking_lines, told_gaps
from talent_sd.output.headline_outputs import Output, headline_outputs
from talent_sd.output.speech import scenario_titles

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from talent_sd.backtest.forecast_scores import TrackRecord
    from talent_sd.engine.runner import Model
    from talent_sd.forecast.prepare import Prepared
    from talent_sd.inputs import Resolved
    from talent_sd.laboratory.findings import Finding


@dataclass(frozen=True)
class Material:
    """Everything a report tells; nothing in it is computed from anything else.

    Parameters
    ----------
    resolved : scenario name to what was resolved, the baseline among them
    spread : dims (scenario, draw, time, ...), the forecasts
    change : dims (scenario, draw, time, ...), as `compare` gives it
    labels : names in both languages, the headline outputs, which of them are better low
    lang : the language shown first
    policies : what each policy adds and costs, as `attribute_policies` gives it; None if not asked
    policy_plots : language to scenario to (caption, figure), the pictures of the policies
    findings : what the model says to the article's figures; empty if not measured
    record : how good the model's forecasts of the past were; None if it is another model
    files : file name to SHA-256 of everything read
    versions : package to version
    command : what repeats the comparison
    notices : language to what the numbers do not show, such as a budget that cannot pay
    gaps : language to what stands in for figures that the city lacks
    defaults : the model's own values, by parameter key: what holds where a file sets nothing
    """

    resolved: Mapping[str, Resolved]
    spread: xr.Dataset
    change: xr.Dataset
    labels: Labels
    lang: str = "en"
    policies: xr.Dataset | None = None
    policy_plots: Mapping[str, Mapping[str, Sequence[tuple[str, Figure]]]] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    record: TrackRecord | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str | None] = field(default_factory=dict)
    command: str = ""
    notices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    gaps: Mapping[str, ToldGaps] = field(default_factory=dict)
    defaults: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def outputs(self) -> list[Output]:
        """Headline outputs' changes, element by element: made once for both languages."""
        return list(headline_outputs(self.change, self.labels))

    @property
    def first(self) -> Material:
        """Return the material of the only city."""
        return self

    @property
    def every(self) -> list[Material]:
        """Return the material of each city."""
        return [self]

    @property
    def baseline(self) -> str:
        """Return the name of what the others are compared with."""
        return str(self.change.attrs["baseline"])

    @property
    def compared(self) -> list[str]:
        """Return the names of the scenarios set against the baseline, in their order."""
        return [str(name) for name in self.change[SCENARIO].values]

    @property
    def names(self) -> list[str]:
        """Return the names of all scenarios, the baseline first."""
        return [self.baseline, *self.compared]

    def titles(self, lang: str) -> dict[str, str]:
        """Return what the scenarios are called."""
        return scenario_titles(self.spread, lang)


@dataclass(frozen=True)
class CitiesMaterial:
    """Everything that a page for several cities tells.

    Parameters
    ----------
    change : dims (scenario, city, draw, time, ...), as `compare_cities` gives it
    cities : city -> its material; the `spread` of each holds titles and attributes, and no outputs
    """

    change: xr.Dataset
    cities: Mapping[str, Material]

    @property
    def first(self) -> Material:
        """Return the first city's material: scenarios, versions and the model's record are those of all."""
        return self.every[0]

    @property
    def every(self) -> list[Material]:
        """Return the material of each city."""
        return list(self.cities.values())


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
    return Material(
        prepared.resolved,
        spread,
        change,
        labels,
        lang,
        policies=policies,
        policy_plots=policy_plots or {},
        files=files_read(prepared),
        command=command,
        **_notes(prepared, labels, notices or {}),
        **_about(prepared.model),
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
    about = _about(next(iter(prepared.values())).model)
    cities = {
        name: Material(
            one.resolved,
            frames[name],
            change.sel({CITY: name}),
            labels,
            lang,
            files=files_read(one),
            command=command,
            **_notes(one, labels, (notices or {}).get(name, {})),
            **about,
        )
        for name, one in prepared.items()
    }
    return CitiesMaterial(change, cities)


def _notes(prepared: Prepared, labels: Labels, notices: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what stands in for figures that a city lacks, and the notices that say something else, by language."""
    missing = gaps(prepared) if notices else ()
    tables = {lang: told for lang in notices if (told := told_gaps(prepared, missing, labels, lang))}
    others = {
        lang: [text for text in texts if text not in lacking_lines(prepared, missing, lang)]
        for lang, texts in notices.items()
    }
    return {"gaps": tables, "notices": others}


def _about(model: Model) -> dict[str, Any]:
    """Return what is known of a model, whatever was run: figures, track record, versions, constants."""
    known = is_city_model(model)
    return {
        "findings": measure_evidence(model) if known else (),
        "record": read_track_record() if known else None,
        "versions": package_versions(),
        "defaults": model_constants(model),
    }
