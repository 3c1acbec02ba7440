"""`talent-sd compare` in one city: differences, what policies add and cost, and the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.cli.common import console, show_written, warn_of
from talent_sd.cli.compare_policies import Split, split_policies, steps_of_policies

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.cli.draws import Wanted
    from talent_sd.forecast.prepare import Prepared

Done = Callable[[int], None]


@dataclass(frozen=True)
class Asked:
    """What the options say: `split` is None where policies are left out, `command` is None without a report."""

    scenarios: list[str]  # the baseline first
    city: str
    national: str | None
    out: Path
    engine: str
    wanted: Wanted | None
    seed: int
    lang: str
    plots: bool
    split: Split | None
    command: str | None  # to repeat it, for the report


def compare_in_one_city(asked: Asked) -> None:
    """Compare scenarios with the first of them; write and print what was found."""
    from talent_sd.base.files import written_together
    from talent_sd.base.language import tell
    from talent_sd.base.progress import progress_bar
    from talent_sd.forecast.compare import compare
    from talent_sd.forecast.prepare import prepare
    from talent_sd.inputs.labels import shipped_labels
    from talent_sd.output.terminal_tables import comparison_table

    labels, lang = shipped_labels(), asked.lang
    with written_together(asked.out) as folder:
        prepared = prepare(list(dict.fromkeys(asked.scenarios)), city=asked.city, national=asked.national)
        notices = warn_of(prepared)
        with progress_bar(tell("Simulating and drawing", lang), _steps(asked, prepared)) as done:
            spread = _forecast(asked, prepared, done)
            change = compare(spread, baseline=str(spread["scenario"].values[0]))
            effects = _pictures_and_policies(asked, prepared, spread, change, folder, done)
            if asked.command is not None:
                _report(asked, prepared, spread, change, effects, notices, folder)
                done(1)
        _tables(asked, prepared, spread, change, notices, folder)
        files = sorted(file.name for file in folder.iterdir())
    console().print(comparison_table(change, labels, lang))
    if effects is not None:
        from talent_sd.output.policies.policy_tables import policies_table

        for name in effects["scenario"].values:
            console().print(policies_table(effects, str(name), labels, lang))
    show_written(asked.out, files, lang)


def _steps(asked: Asked, prepared: Prepared) -> int:
    steps = (asked.wanted is None) * len(prepared.resolved) + 2 * asked.plots + (asked.command is not None)
    return steps + (steps_of_policies(prepared, asked.split, asked.plots) if asked.split else 0)


def _forecast(asked: Asked, prepared: Prepared, done: Done) -> xr.Dataset:
    from talent_sd.cli.draws import draw_paired
    from talent_sd.forecast.simulate import run_prepared

    if asked.wanted is None:
        return run_prepared(prepared, engine=asked.engine, done=done)
    return draw_paired(prepared, asked.wanted, asked.engine, asked.lang)


def _pictures_and_policies(
    asked: Asked, prepared: Prepared, spread: xr.Dataset, change: xr.Dataset, folder: Path, done: Done
) -> xr.Dataset | None:
    from talent_sd.inputs.labels import shipped_labels

    labels = shipped_labels()
    if asked.plots:
        from talent_sd.output.figures.plot_comparison import save_comparison_plots

        save_comparison_plots(spread, change, labels, asked.lang, folder, done)
    if asked.split is None:
        return None
    return split_policies(prepared, asked.split, folder, labels, asked.lang, done, plots=asked.plots)


def _report(
    asked: Asked,
    prepared: Prepared,
    spread: xr.Dataset,
    change: xr.Dataset,
    effects: xr.Dataset | None,
    notices: Mapping[str, Sequence[str]],
    folder: Path,
) -> None:
    from talent_sd.base.language import LANGUAGES
    from talent_sd.inputs.labels import shipped_labels
    from talent_sd.output.report import gather, write_report

    labels = shipped_labels()
    pictures = None
    if effects is not None:
        from talent_sd.output.policies.plot_policies import policy_figures

        pictures = {lang: policy_figures(effects, labels, lang) for lang in LANGUAGES}
    material = gather(
        prepared,
        spread,
        change,
        labels,
        asked.lang,
        command=asked.command or "",
        policies=effects,
        policy_plots=pictures,
        notices=notices,
    )
    write_report(folder / "report.html", material)


def _tables(
    asked: Asked,
    prepared: Prepared,
    spread: xr.Dataset,
    change: xr.Dataset,
    notices: Mapping[str, Sequence[str]],
    folder: Path,
) -> None:
    from talent_sd.forecast.provenance import write_capsule
    from talent_sd.forecast.result_files import (
        iamc_rows,
        write_comparison_table,
        write_dataset,
        write_forecast_table,
        write_iamc,
    )
    from talent_sd.inputs.labels import shipped_labels

    labels = shipped_labels()
    write_dataset(change, folder / "comparison.nc")
    write_comparison_table(change, folder / "comparison.csv", labels.lower_is_better)
    write_forecast_table(spread, folder / "forecast.csv")
    rows = iamc_rows(spread, spread.attrs["city_en"], labels)
    write_iamc(rows, spread["time"].values, folder / "comparison_iamc.csv")
    write_capsule(prepared, spread, folder / "run.json", seed=asked.seed, notices=notices["en"])


def options_given(pairs: Mapping[str, tuple[object, object]]) -> dict[str, object]:
    """Return the options whose value is not the usual one: name -> value, None where it is.

    >>> options_given({"--seed": (3, 0), "--engine": ("auto", "auto")})
    {'--seed': 3, '--engine': None}
    """
    return {name: None if value == usual else value for name, (value, usual) in pairs.items()}
