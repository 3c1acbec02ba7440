"""`talent-sd compare --cities`: the same scenarios in several cities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from talent_sd.base.language import N_
from talent_sd.cli.common import console, show_written, warn_of

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.cli.draws import Wanted
    from talent_sd.forecast.prepare import Prepared

WORKING = N_("Simulating and drawing")

CitiesOption = Annotated[
    str | None,
    typer.Option(
        "--cities", help="Several cities, separated by commas, or all: their differences side by side."
    ),
]


def compare_in_cities(
    scenarios: Sequence[str],
    cities: str,
    out: Path,
    wanted: Wanted | None,
    *,
    seed: int,
    engine: str,
    national: str | None,
    lang: str,
    plots: bool,
    command: str | None,
) -> None:
    """Compare scenarios, the baseline first, in several cities; write and print it.

    Parameters
    ----------
    command : what repeats it, for the report; None: no report
    """
    from talent_sd.base.files import written_together
    from talent_sd.base.language import tell
    from talent_sd.base.progress import progress_bar
    from talent_sd.forecast.compare import compare_cities, named_cities, prepare_cities
    from talent_sd.forecast.provenance import write_capsule
    from talent_sd.forecast.result_files import iamc_rows, write_comparison_table, write_dataset, write_iamc
    from talent_sd.inputs.labels import shipped_labels
    from talent_sd.output.cities_compared import cities_table, save_cities_plot

    labels = shipped_labels()
    rows: list[tuple[object, ...]] = []
    frames: dict[str, xr.Dataset] = {}

    def forecast(one: Prepared) -> xr.Dataset:
        spread = _forecast(one, wanted, engine, labels.headline)
        rows.extend(iamc_rows(spread, spread.attrs["city_en"], labels))
        # titles and attributes alone: the outputs of many cities would be gigabytes
        frames[str(spread.attrs["city"])] = spread.drop_vars(list(spread.data_vars))
        return spread

    with written_together(out) as folder:
        prepared = prepare_cities(list(dict.fromkeys(scenarios)), named_cities(cities), national)
        notices = {name: warn_of(one) for name, one in prepared.items()}
        with progress_bar(tell(WORKING, lang), len(prepared) + plots + (command is not None)) as done:
            change = compare_cities(prepared, forecast, done)
            if plots:
                save_cities_plot(change, labels, lang, folder / "cities.png")
                done(1)
            if command is not None:
                from talent_sd.output.report import gather_cities, write_cities_report

                material = gather_cities(
                    prepared, frames, change, labels, lang, command=command, notices=notices
                )
                write_cities_report(folder / "report.html", material)
                done(1)
        write_dataset(change, folder / "comparison.nc")
        write_comparison_table(change, folder / "comparison.csv", labels.lower_is_better)
        write_iamc(rows, change["time"].values, folder / "comparison_iamc.csv")
        for name, one in prepared.items():
            write_capsule(
                one,
                change.sel(city=name).assign_attrs(city=name),
                folder / f"run_{name}.json",
                seed=seed,
                notices=notices[name]["en"],
            )
        files = sorted(file.name for file in folder.iterdir())
    console().print(cities_table(change, labels, lang))
    show_written(out, files, lang)


def _forecast(prepared: Prepared, wanted: Wanted | None, engine: str, headline: Sequence[str]) -> xr.Dataset:
    """Forecast a city's headline outputs: of fourteen cities all outputs would be gigabytes."""
    from talent_sd.cli.draws import draw_paired
    from talent_sd.forecast.ensemble import SUMS
    from talent_sd.forecast.simulate import run_prepared

    outputs = [*headline, *SUMS]
    if wanted is None:
        return run_prepared(prepared, engine=engine, outputs=outputs)
    return draw_paired(prepared, wanted, engine, "en", outputs=outputs, progress=False)
