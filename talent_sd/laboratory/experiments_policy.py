"""Experiments on policies, services and start values, and on the system as a whole."""

from __future__ import annotations

import numpy as np

from talent_sd.base.language import tell
from talent_sd.inputs.settings import policy_key
from talent_sd.laboratory.cases import END, NEVER, Case, Experiment, Measurement, Traces, short

INDUSTRY = ("industry_fund", "venture_fund", "knowledge_platform", "open_labs")
POLICY = ("talent_apartments", "talent_tax_credit", "flexible_benefits", "career_tracking")
ECOLOGY = ("medical_cluster", "childcare_eldercare", "quality_education", "culture_ip")
DIMENSIONS = {"industry": INDUSTRY, "policy": POLICY, "ecology": ECOLOGY}
START = 2022.0
CASH_ENDS = 2030.0
CIRCLE = {
    "medical": "medical_cluster",
    "education": "quality_education",
    "life_circle": "childcare_eldercare",
}
CIRCLE_INTENSITY = {"medical_cluster": 0.03, "quality_education": 0.035, "childcare_eldercare": 0.025}


INTERRUPTED = {
    policy_key("industry_fund", "end"): 2031.0,
    policy_key("industry_fund", "pause start"): 2027.0,
    policy_key("industry_fund", "pause end"): 2028.0,
}


def _only(names: tuple[str, ...]) -> dict[str, float]:
    """Return the switches that leave only these instruments of the three-dimensional mix on."""
    everything = (*INDUSTRY, *POLICY, *ECOLOGY)
    return {policy_key(name): 0.0 for name in everything if name not in names}


def _circle(names: tuple[str, ...]) -> dict[str, float]:
    """Return inputs that build parts of the life circle to full coverage within ten years."""
    return {
        **{policy_key(name): 1.0 for name in names},
        **{f"{name.replace('_', ' ')} intensity": CIRCLE_INTENSITY[name] for name in names},
    }


def _traditional_part(traces: Traces) -> Measurement:
    parts = {city: trace.at("industry part", START, "traditional") for city, trace in traces.items()}
    return Measurement(float(np.mean(list(parts.values()))), shown=parts)


def _emerging_jobs_ratio(traces: Traces) -> Measurement:
    per_head = {
        city: (
            trace.at("Industry Capital", START, "emerging") + trace.at("Industry Capital", START, "future")
        )
        / trace.at("working age residents", START)
        for city, trace in traces.items()
    }
    low = np.mean([per_head[city] for city in ("handan", "mianyang")])
    high = np.mean([per_head[city] for city in ("beijing", "shanghai", "shenzhen")])
    return Measurement(float(low / high), shown=per_head)


def _price_to_income(traces: Traces) -> Measurement:
    ratios = {city: trace.at("price to income", START) for city, trace in traces.items()}
    return Measurement(float(np.mean(list(ratios.values()))), shown=ratios)


def _relative_pay(traces: Traces) -> Measurement:
    pay = {city: trace.at("average pay", START) for city, trace in traces.items()}
    ratios = {city: pay[city] / pay["shanghai"] for city in ("wuxi", "dongguan")}
    return Measurement(float(np.mean(list(ratios.values()))), shown=ratios)


def _medical_access(traces: Traces) -> Measurement:
    ratio = traces["cluster"].series("medical access time ratio")
    end = traces["cluster"].at("medical access time ratio", END)
    built = traces["cluster"].at("medical access time ratio", 2026) / traces["none"].at(
        "medical access time ratio", 2026
    )
    return Measurement(
        float(ratio[0]),
        (
            (tell("it falls towards 1 as the medical cluster opens"), 1 <= end < 1 + 0.5 * (ratio[0] - 1)),
            (tell("a year after the start it has hardly moved"), built > 0.95),
        ),
        {"2034": end},
    )


def _linked_firms(traces: Traces) -> Measurement:
    firms = traces["suzhou"].at("Suppliers", START)
    return Measurement(
        firms, ((tell("more than in Handan"), firms > traces["handan"].at("Suppliers", START)),)
    )


def _research_subsidy(traces: Traces) -> Measurement:
    share = traces["steady"].at("policy spending", 2027, "industry_fund") / traces["steady"].at(
        "fiscal revenue", 2027
    )

    def gain_per_yuan(name: str) -> float:
        """Return the capital that each yuan of the fund has brought."""
        gained = traces[name].at("Industry Capital", 2031, "emerging") - traces["none"].at(
            "Industry Capital", 2031, "emerging"
        )
        return gained / traces[name].at("Cumulative Policy Spending", 2031, "industry_fund")

    steady, paused = gain_per_yuan("steady"), gain_per_yuan("paused")
    return Measurement(
        share,
        ((tell("interrupted for a year, a yuan does at least a tenth less"), paused < 0.9 * steady),),
        {"emerging capital per yuan, five years running": steady, "the same, interrupted": paused},
    )


def _life_circle(traces: Traces) -> Measurement:
    covered = np.min([traces["all"].series("service coverage", part) for part in CIRCLE], axis=0)
    full = np.flatnonzero(covered >= 1 - 1e-9)
    when = float(traces["all"].time[full[0]]) if len(full) else END

    def gain(name: str, year: float) -> float:
        """Return how much more content people are with services in the year."""
        return (
            traces[name].at("service satisfaction", year) / traces["none"].at("service satisfaction", year)
            - 1
        )

    value = gain("all", when)
    alone = {part: gain(part, when) for part in CIRCLE}
    early = gain("all", 2026.0)
    return Measurement(
        value,
        (
            (tell("coverage becomes full"), bool(len(full))),
            (tell("each part alone does less than half"), max(alone.values()) < 0.5 * value),
            (tell("a year after the start there is less than a tenth of it"), early < 0.1 * value),
        ),
        {"full in": when, **alone},
    )


def _certification_subsidy(traces: Traces) -> Measurement:
    trace = traces["plan"]
    people = trace.series("certified people")
    paid = trace.series("policy spending", "skill_certification")
    active = people > 1
    per_person = paid[active] / people[active]
    return Measurement(
        float(per_person.max()),
        (
            (tell("people are certified"), bool(active.any())),
            (tell("nobody costs more"), per_person.max() <= 20000 * 1.000001),
        ),
    )


def _shared_value(traces: Traces) -> Measurement:
    none = traces["none"]

    def gained(name: str, variable: str) -> float:
        return traces[name].total(variable, 2025, END) - none.total(variable, 2025, END)

    whole = gained("three_dimensional", "value added")
    parts = {name: gained(name, "value added") for name in DIMENSIONS}
    net, cash, net_cash = (
        gained("three_dimensional", "shared value"),
        gained("cash", "value added"),
        gained("cash", "shared value"),
    )
    talent = [
        traces["cash"].at("total talent", year) - none.at("total talent", year)
        for year in (CASH_ENDS, CASH_ENDS + 3)
    ]
    ratio = whole / sum(parts.values())
    return Measurement(
        ratio,
        (
            (tell("the three together gain more than the sum of each alone"), ratio > 1),
            (tell("net of what other cities lose, the three gain"), net > 0),
            (
                tell("net of that, cash gains less than a tenth of what the three gain, or loses"),
                net_cash < 0.1 * abs(whole),
            ),
            (
                tell("at most 30 % of what cash brought is left after three years"),
                talent[1] < 0.3 * talent[0],
            ),
        ),
        {
            "value added gained together": whole,
            **{f"by {name} alone": value for name, value in parts.items()},
            "shared value gained together": net,
            "value added gained by cash": cash,
            "shared value gained by cash": net_cash,
            "part of cash's talent left": talent[1] / talent[0],
        },
        short(1.0, ratio)
        + short(net_cash, 0.1 * abs(whole))
        + short(talent[1] / talent[0], 0.3)
        + NEVER * (net <= 0),
    )


def _trace_pair(city: str, changes: dict[str, float], name: str) -> dict[str, Case]:
    return {"none": Case(city=city), name: Case(city=city, changes=changes)}


EXPERIMENTS = (
    Experiment(
        "traditional_part_of_industry",
        {city: Case(city=city) for city in ("handan", "mianyang")},
        ("industry part",),
        _traditional_part,
    ),
    Experiment(
        "emerging_jobs_against_first_tier",
        {city: Case(city=city) for city in ("handan", "mianyang", "beijing", "shanghai", "shenzhen")},
        ("Industry Capital", "working age residents"),
        _emerging_jobs_ratio,
    ),
    Experiment(
        "price_to_income_of_two_cities",
        {city: Case(city=city) for city in ("wuxi", "dongguan")},
        ("price to income",),
        _price_to_income,
    ),
    Experiment(
        "pay_against_shanghai",
        {city: Case(city=city) for city in ("wuxi", "dongguan", "shanghai")},
        ("average pay",),
        _relative_pay,
    ),
    Experiment(
        "time_to_high_end_care",
        _trace_pair(
            "chengdu", {policy_key("medical_cluster"): 1.0, "medical cluster intensity": 0.03}, "cluster"
        ),
        ("medical access time ratio",),
        _medical_access,
    ),
    Experiment(
        "firms_within_reach",
        {city: Case(city=city) for city in ("suzhou", "handan")},
        ("Suppliers",),
        _linked_firms,
    ),
    Experiment(
        "steady_research_subsidy",
        {
            "none": Case(),
            "steady": Case(
                changes={policy_key("industry_fund"): 1.0, policy_key("industry_fund", "end"): 2030.0}
            ),
            "paused": Case(
                changes={
                    policy_key("industry_fund"): 1.0,
                    policy_key("industry_fund", "end"): 2031.0,
                    policy_key("industry_fund", "pause start"): 2027.0,
                    policy_key("industry_fund", "pause end"): 2028.0,
                }
            ),
        },
        ("policy spending", "fiscal revenue", "Industry Capital", "Cumulative Policy Spending"),
        _research_subsidy,
    ),
    Experiment(
        "satisfaction_with_life_circle",
        {
            "none": Case(city="chengdu", long=True),
            "all": Case(city="chengdu", changes=_circle(tuple(CIRCLE.values())), long=True),
            **{
                part: Case(city="chengdu", changes=_circle((name,)), long=True)
                for part, name in CIRCLE.items()
            },
        },
        ("service satisfaction", "service coverage"),
        _life_circle,
    ),
    Experiment(
        "certification_subsidy_per_person",
        {
            "plan": Case(
                city="dongguan",
                changes={policy_key("skill_certification"): 1.0, "skill certification intensity": 20000.0},
            )
        },
        ("certified people", "policy spending"),
        _certification_subsidy,
    ),
    Experiment(
        "complementarity_and_shared_value",
        {
            "none": Case(),
            "three_dimensional": Case("three_dimensional"),
            **{name: Case("three_dimensional", changes=_only(names)) for name, names in DIMENSIONS.items()},
            "cash": Case("cash_subsidy_only"),
        },
        ("value added", "shared value", "total talent"),
        _shared_value,
    ),
)
