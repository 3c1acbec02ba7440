"""What a report is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from talent_sd.inputs.labels import Labels

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from talent_sd.backtest.track_record import TrackRecord
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
    defaults: Mapping[str, float] = field(default_factory=dict)

    @property
    def baseline(self) -> str:
        """Return the name of what the others are compared with."""
        return str(self.change.attrs["baseline"])

    @property
    def compared(self) -> list[str]:
        """Return the names of the scenarios set against the baseline, in their order."""
        return [str(name) for name in self.change["scenario"].values]
