"""Experiments on people: who comes, who stays, who comes back."""

from __future__ import annotations

import numpy as np

from talent_sd.base.language import tell
from talent_sd.inputs.settings import policy_key
from talent_sd.laboratory.cases import AVERAGE, NEVER, Case, Experiment, Measurement, Trace, Traces, short

HUBS = ("shenzhen", "hangzhou", "suzhou", "hefei")
MEASURED_YEAR = 2024.0
HIGH_TIERS = ("leading", "professional")
NATIONAL_KNOWLEDGE_SHARE = 0.0630541
"""Jobs in research, information and business services, nationwide (census 2020): where the cluster's base is 1."""
LEVEL_BASES = {1: 0.1, 2: 1.8 / np.sqrt(3), 3: 1.8, 4: 1.8 * np.sqrt(3)}
"""Cluster base at which the scale of maturity stands at a level (just above 1, 2, 3 and 4)."""
SKILL_PROGRAMMES = ("manufacturing_academy", "skill_certification", "career_tracking")
FULL_LEVEL_YEAR = 2034.0


def _city_of_level(level: int) -> dict[str, float]:
    """Return inputs that set the mean city's cluster to a level: its research jobs."""
    return {"city knowledge employment share": float(NATIONAL_KNOWLEDGE_SHARE * LEVEL_BASES[level] ** 2)}


def _retention(trace: Trace, entry: float, years: float) -> float:
    """Return the share of a tagged cohort still there, tiers weighted by the newcomers at entry."""
    tiers = [str(tier) for tier in trace.data["tier"].values]
    weights = np.array([trace.at("Newcomers", entry, tier) for tier in tiers])
    kept = np.array([trace.at("cohort retention", entry + years, tier) for tier in tiers])
    return float((weights * kept).sum() / weights.sum())


def _hub_share(traces: Traces) -> Measurement:
    rates = {
        name: sum(trace.at("arrivals", MEASURED_YEAR, tier) for tier in HIGH_TIERS)
        / trace.at("Residents", MEASURED_YEAR)
        for name, trace in traces.items()
    }
    shares = {name: rates[name] / (rates[name] + rates["ordinary"]) for name in HUBS}
    return Measurement(float(np.mean(list(shares.values()))), shown=shares)


def _step_per_level(traces: Traces) -> Measurement:
    kept = {level: _retention(traces[f"level {level}"], 2022, 5) for level in LEVEL_BASES}
    levels = [traces[f"level {level}"].mean("Cluster Maturity", 2022, 2027) for level in LEVEL_BASES]
    steps = np.diff(list(kept.values()))
    return Measurement(
        (kept[4] - kept[1]) / (levels[-1] - levels[0]),
        ((tell("each level keeps more than the one below"), bool((steps > 0).all())),),
        {f"level {level}": share for level, share in kept.items()},
    )


def _mean_stay(traces: Traces) -> Measurement:
    trace = traces["cash"]
    tiers = [str(tier) for tier in trace.data["tier"].values]
    weights = np.array([trace.at("Newcomers", 2025, tier) for tier in tiers])
    last = float(trace.time[-1])
    years = np.array([trace.at("Cohort Person Years", last, tier) for tier in tiers])
    left = max(trace.at("cohort retention", last, tier) for tier in tiers)
    return Measurement(
        float((weights * years).sum() / weights.sum()),
        (
            (tell("the cohort was followed to its end"), left < 0.001),
            (
                tell("people came for the cash and half of them at most are left three years after it ended"),
                0 < trace.at("Cash Drawn Talent", 2033) < 0.5 * trace.at("Cash Drawn Talent", 2030),
            ),
        ),
    )


def _combination(traces: Traces) -> Measurement:
    kept = {name: _retention(trace, COMBINATION_ENTRY, 5) for name, trace in traces.items()}
    gains = {name: share - kept["baseline"] for name, share in kept.items()}
    singles = sum(gains[name] for name in COMBINATION)
    return Measurement(
        kept["combination"],
        ((tell("the mix gains more than its three policies one by one"), gains["combination"] > singles),),
        {
            "baseline": kept["baseline"],
            "gain of the mix": gains["combination"],
            "gains one by one": singles,
            "professionals alone": traces["combination"].at(
                "cohort retention", COMBINATION_ENTRY + 5, "professional"
            ),
        },
        short(singles / gains["combination"], 1.0) if gains["combination"] > 0 else NEVER,
    )


def _return_rate(traces: Traces) -> Measurement:
    def gain(year: float) -> float:
        """Return how many more come back in the year with the plan."""
        flows = [
            sum(traces[name].mean("returnees", year, year + 1, tier) for tier in HIGH_TIERS)
            for name in ("plan", "none")
        ]
        return flows[0] / flows[1] - 1

    coverage = traces["plan"].series("service coverage", "education")
    full = np.flatnonzero(coverage >= 1 - 1e-9)
    reached = float(traces["plan"].time[full[0]]) if len(full) else float("nan")
    value = gain(reached) if len(full) else gain(2034.0)
    return Measurement(
        value,
        (
            (tell("coverage becomes full"), bool(len(full))),
            (
                tell("the first year shows less than a tenth of that"),
                gain(2025) < 0.1 * value,
            ),
        ),
        {"full in": reached, "first year": gain(2025)},
    )


def _skilled_leaving(traces: Traces) -> Measurement:
    def change(name: str) -> float:
        hazards = [traces[key].at("departure hazard", FULL_LEVEL_YEAR, "skilled") for key in (name, "none")]
        return hazards[0] / hazards[1] - 1

    value = change("plan")
    alone = {name: change(name) for name in SKILL_PROGRAMMES}
    return Measurement(
        value,
        (
            (tell("each instrument alone does less"), all(value < single < 0 for single in alone.values())),
            (
                tell("in the first half year the plan has done a quarter at most"),
                abs(
                    traces["plan"].at("departure hazard", 2025.5, "skilled")
                    / traces["none"].at("departure hazard", 2025.5, "skilled")
                    - 1
                )
                < 0.25 * abs(value),
            ),
        ),
        alone,
    )


def _recruited(traces: Traces) -> Measurement:
    extra = traces["plan"].total("arrivals", 2025, 2030) - traces["none"].total("arrivals", 2025, 2030)
    gained = traces["plan"].at("total talent", 2034) - traces["none"].at("total talent", 2034)
    return Measurement(extra, shown={"still there in 2034": gained})


COMBINATION = ("industry_fund", "venture_fund", "talent_apartments")
COMBINATION_ENTRY = 2027.0
_TAG = {"cohort entry time": COMBINATION_ENTRY}


def _without(names: tuple[str, ...]) -> dict[str, float]:
    return {policy_key(name): 0.0 for name in names}


EXPERIMENTS = (
    Experiment(
        "hub_share_of_movers",
        {**{name: Case(city=name) for name in HUBS}, "ordinary": Case(city=AVERAGE)},
        ("arrivals", "Residents"),
        _hub_share,
    ),
    Experiment(
        "retention_step_per_level",
        {
            f"level {level}": Case(
                city=AVERAGE, changes={**_city_of_level(level), "cohort entry time": 2022.0}
            )
            for level in LEVEL_BASES
        },
        ("cohort retention", "Newcomers", "Cluster Maturity"),
        _step_per_level,
    ),
    Experiment(
        "mean_stay_under_cash",
        {
            "cash": Case(
                "cash_subsidy_only", AVERAGE, {**_city_of_level(1), "cohort entry time": 2025.0}, long=True
            )
        },
        ("Cohort Person Years", "cohort retention", "Newcomers", "Cash Drawn Talent"),
        _mean_stay,
    ),
    Experiment(
        "retention_under_combination",
        {
            "baseline": Case(changes=_TAG),
            "combination": Case("hefei_combination", changes=_TAG),
            **{
                single: Case(
                    "hefei_combination",
                    changes={**_TAG, **_without(tuple(p for p in COMBINATION if p != single))},
                )
                for single in COMBINATION
            },
        },
        ("cohort retention", "Newcomers"),
        _combination,
    ),
    Experiment(
        "return_rate_with_schools",
        {
            "plan": Case("hometown_return", "changsha", long=True),
            "none": Case("baseline", "changsha", long=True),
        },
        ("returnees", "service coverage"),
        _return_rate,
    ),
    Experiment(
        "skilled_leaving_with_training",
        {
            "none": Case("baseline", "dongguan"),
            "plan": Case("golden_blue_collar", "dongguan"),
            **{
                single: Case(
                    "golden_blue_collar",
                    "dongguan",
                    _without(tuple(p for p in SKILL_PROGRAMMES if p != single)),
                )
                for single in SKILL_PROGRAMMES
            },
        },
        ("departure hazard",),
        _skilled_leaving,
    ),
    Experiment(
        "people_brought_back",
        {"none": Case("baseline", "zhengzhou"), "plan": Case("mass_recruitment", "zhengzhou")},
        ("arrivals", "total talent"),
        _recruited,
    ),
)
