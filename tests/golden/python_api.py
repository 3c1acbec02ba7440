"""What the package's public names give, written to files: run by `compare_outputs.py` on both sides."""

# ruff: noqa: T201 (what is printed is compared too)
from __future__ import annotations

import sys
from pathlib import Path

import talent_sd as ts

MIX = "hefei_combination"


def brief(*files: str) -> None:
    """Do a little of everything: run, compare, tell, draw, run other models."""
    forecast = ts.simulate(["baseline", "cash_subsidy_only"], city="handan")
    change = ts.compare(forecast)
    _save("forecast", forecast)
    print(ts.summary(forecast, "zh"), ts.summary(change), ts.summary(change)._repr_html_())
    ts.plot(change, "zh").savefig("change.png")
    models(*files)


def forecasts() -> None:
    """Run once and many times, compare, summarize and draw."""
    _write("forecast", ts.simulate([MIX, "baseline"], city="wuxi", national="high_growth"))
    spread = ts.ensemble(["baseline", "cash_subsidy_only", MIX], draws=12, seed=4, progress=False)
    _write("spread", spread)
    _write("change", ts.compare(spread, baseline="cash_subsidy_only"))


def many() -> None:
    """Draw in other ways: Sobol, priors alone, few outputs, a store."""
    few = ["total talent", "tax base"]
    for name, options in {
        "sobol": {"draws": 16, "sampling": "sobol", "outputs": few},
        "priors": {"draws": 16, "posterior": "none", "block": 5},
        "store": {"draws": 30, "seed": 2, "out": "store.zarr", "memory": 0.01, "outputs": few},
        "low_growth": {"draws": 9, "national": "low_growth", "city": "handan", "threads": 1},
    }.items():
        _write(name, ts.ensemble(MIX, progress=False, **options))


def policies() -> None:
    """Split a mix among its policies."""
    shares = ts.attribute_policies([MIX, "quality_city"], draws=4, among=12, seed=4, discount_rate=0.03)
    _write("shares", shares)
    _write("one_run", ts.attribute_policies("talent_policy_3", city="wuxi", outputs=["Residents"]))


def loops() -> None:
    """Score the loops of a scenario."""
    _write("loops", ts.feedback_loops(MIX, draws=3, seed=1, of="tax base"))
    _write("cut", ts.feedback_loops("industry_upgrade", city="handan", against=None))


def files() -> None:
    """Read scenarios, and what they come to in a city."""
    structure = ts.load_model().structure
    print(ts.load_model(), ts.list_cities(), ts.list_scenarios())
    for name in ts.list_scenarios():
        print(ts.load_scenario(name).title)
        for key, value in ts.resolve_scenario(name, "hangzhou", structure).params().items():
            print(name, key, value)
    for wrong in ("no_such_scenario", "baseline.txt"):
        try:
            ts.simulate(wrong)
        except ts.InputError as error:
            print(error)


def models(*names: str) -> None:
    """Run models that are not the city's."""
    for name in names:
        _save(Path(name).name, ts.load_model(name).run())


def _write(name: str, dataset: object) -> None:
    """Write a result, what is told of it and its picture, in both languages."""
    _save(name, dataset)
    for lang in ("en", "zh"):
        told = ts.summary(dataset, lang)
        print(told)
        Path(f"{name}_{lang}.html").write_text(told._repr_html_(), encoding="utf-8")
        told.frame.to_csv(f"{name}_{lang}.csv")
        if "share" not in dataset:
            ts.plot(dataset, lang).savefig(f"{name}_{lang}.png")


def _save(name: str, dataset: object) -> None:
    """Write a dataset whole, and as text, which names its axes and attributes."""
    dataset.rename({one: str(one).replace("/", "∕") for one in dataset.variables}).to_netcdf(f"{name}.nc")
    print(dataset)


if __name__ == "__main__":
    section, *rest = sys.argv[1:]
    sections = (brief, forecasts, many, policies, loops, files, models)
    {function.__name__: function for function in sections}[section](*rest)
