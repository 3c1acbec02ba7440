"""`talent-sd optimise`: the policies that do most for a budget."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from talent_sd.base.errors import NotWritten
from talent_sd.base.language import LANGUAGES, N_, tell
from talent_sd.cli import options as o
from talent_sd.cli.common import add_workbook, console, reporting, say, show_written

AGREE = N_("{count} searches agree to {share:.1f} % in hypervolume; {tried} plans were tried.")

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.search import Asked


@reporting
def optimise(
    city: o.CityOption = "hefei",
    budget: Annotated[
        float, typer.Option("--budget", help="Yuan a year for all policies: 2e9 is two billion.")
    ] = 1e9,
    goal: o.GoalsOption = None,
    weight: o.WeightsOption = None,
    risk: Annotated[
        str,
        typer.Option(
            "--risk", help="What counts of the gain in the draws: median, p10 (its lowest tenth) or regret."
        ),
    ] = "median",
    keep: Annotated[list[str] | None, typer.Option("--keep", help="A policy that every plan has.")] = None,
    without: Annotated[list[str] | None, typer.Option("--without", help="A policy that no plan has.")] = None,
    horizon: Annotated[int | None, typer.Option("--horizon", help="Last year of goals and policies.")] = None,
    start: Annotated[
        int, typer.Option("--start", help="First year of policies; next year by default.", show_default=False)
    ] = date.today().year + 1,
    price_basis: Annotated[
        int, typer.Option("--price-basis", help="Year in whose prices the budget is.")
    ] = 2024,
    baseline: Annotated[
        str, typer.Option("--baseline", help="What plans extend and are compared with.")
    ] = "baseline",
    draws: Annotated[int, typer.Option("--draws", min=1, help="Draws that every plan is tried in.")] = 100,
    seed: o.SeedOption = 0,
    searches: Annotated[int, typer.Option("--searches", min=1, help="Searches, each with its own seed.")] = 2,
    population: Annotated[int, typer.Option("--population", min=4, help="Plans of a generation.")] = 40,
    generations: Annotated[
        int, typer.Option("--generations", min=1, help="Generations of each search.")
    ] = 30,
    plans: Annotated[int, typer.Option("--plans", min=1, max=26, help="Plans to show at the most.")] = 5,
    out: o.OutOption = Path("plans"),
    national: o.NationalOption = None,
    reading: o.ReadingOption = None,
    threads: o.ThreadsOption = None,
    lang: o.LangOption = o.Language.en,
    plots: o.PlotsOption = True,
    xlsx: o.XlsxOption = False,
) -> None:
    """Find the mix of policies that does most for a yearly budget, and how sure of it one can be.

    Tries thousands of plans in the same draws of all that is uncertain, and keeps few that are distinct: plan_a.yaml and
    so on, scenario files for every other command. plans.csv says what each gains and costs, duels.csv how often one beats
    another, factors.csv what decides between them. The same command in the same folder goes on where it was stopped.

    Example:  [bold]talent-sd optimise --city hefei --budget 2e9 --goal "total talent"[/bold]
    Example:  [bold]talent-sd optimise --city handan --budget 5e8 --goal "total talent" --goal "tax base@sum" --risk p10[/bold]
    """
    from talent_sd.search import Asked

    asked = Asked(
        city, budget, tuple(goal or ("total talent",)), risk, tuple(weight) if weight else None, tuple(keep or ()),
        tuple(without or ()), horizon, start, price_basis, draws, seed, searches, population, generations, plans,
        baseline, national, reading,
    )  # fmt: skip
    _search(asked, out, threads, lang.value, plots, xlsx)


def _search(asked: Asked, out: Path, threads: int | None, lang: str, plots: bool, xlsx: bool) -> None:
    from talent_sd.base.output_folders import written_together
    from talent_sd.forecast.money import write_spending_table
    from talent_sd.forecast.result_files import write_dataset, write_plan_tables
    from talent_sd.inputs.labels import shipped_labels
    from talent_sd.output.policies.policy_tables import plans_table
    from talent_sd.output.speech import factor_words, plan_words
    from talent_sd.search import find_plans

    labels = shipped_labels()
    found = find_plans(asked, out, threads)
    structure = found.prepared.model.structure
    factors = [
        {**one, **{each: factor_words(one, labels, structure, each) for each in LANGUAGES}}
        for one in found.factors
    ]
    if not bool((found.plans["gain"].median("draw") > 0).any()):
        raise NotWritten(tell("No plan gains anything: the money does more where it is now."))
    with written_together(out) as folder:
        for name, text in found.files.items():
            (folder / f"{name}.yaml").write_text(text, "utf-8")
        write_dataset(found.plans, folder / "plans.nc")
        write_plan_tables(found.plans, factors, folder)
        write_spending_table(found.prepared, found.spread, folder / "spending.csv")
        if plots:
            from talent_sd.output.policies.plot_policies import save_plan_plots

            save_plan_plots(found.plans, factors, labels, lang, folder)
        tables = [plans_table(found.plans, str(goal), labels, lang) for goal in found.plans["goal"].values]
        if xlsx:
            about = {**found.plans.attrs, "draws": found.plans.sizes["draw"]}
            add_workbook(folder, "optimise", tables, about, found.prepared, lang)
        files = sorted(file.name for file in folder.iterdir())
    for table in tables:
        console().print(table)
    say(tell("Money, million yuan a year at full strength:", lang))
    for name in found.files:
        say(plan_words(found.plans, name, labels, lang))
    for text in (*(str(one[lang]) for one in factors), *_in_short(found.plans, lang)):
        say(text)
    show_written(out, files, lang)


def _in_short(plans: xr.Dataset, lang: str) -> list[str]:
    """Say which plan misses least of the best, and whether the searches agree."""
    from talent_sd.output.speech import letter

    missed = plans["regret"].quantile(0.9, "draw")
    worst = (missed / missed.max("plan")).fillna(0.0).max("goal")
    told = []
    if plans.sizes["plan"] > 1:
        safe = str(plans["plan"].values[int(worst.values.argmin())])
        least = tell(
            N_("{plan} has the least regret of the plans.")
            if plans.sizes["goal"] == 1
            else N_(
                "Judged by the goal that each does worst in, {plan} has the least regret: {share:.0f} % of the largest."
            ),
            lang,
            plan=letter(safe),
            share=100 * float(worst.min()),
        )
        told.append(least)
    ends = plans["volume"].values[:, -1]
    if len(ends) > 1 and ends.max() > 0:
        share, tried = 100 * float(ends.min() / ends.max()), plans.attrs["tried"]
        told.append(tell(AGREE, lang, count=len(ends), share=share, tried=tried))
    return told
