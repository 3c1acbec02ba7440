"""Measure what the shipped scenarios find, and write it into their files, in both languages.

    python .ci/findings.py [NAME...]      writes `finding:` and `measured:` of all or some scenarios
    python .ci/findings.py --stale        names those that were measured on other inputs, and runs nothing

Every number is the median of 200 draws, money is present value, as `talent-sd compare` tells it. What a sentence says
in words is held to the draws too: where it is no longer so, nothing is written and the sentence is named.
"""

# ruff: noqa: E501 (sentences)
from __future__ import annotations

import hashlib
import json
import re
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import xarray as xr

import talent_sd as ts
from talent_sd.base.files import shipped_folder
from talent_sd.engine.runner import load_model
from talent_sd.inputs import load_city, load_scenario, resolve_scenario
from talent_sd.output.speech import digits, interval, scale_for
from talent_sd.policies.policy_table import in_all_draws, ranked
from talent_sd.uncertainty.posterior import read_posterior

DRAWS, SPLIT, SEED = 200, 20, 0
Runs = Callable[[str], xr.Dataset]
"""A scenario's runs in the finding's city (`name@city`: in another)."""


@dataclass(frozen=True)
class Finding:
    """What is told of a scenario in a city, with what stands in its braces."""

    city: str
    en: str
    zh: str
    values: Mapping[str, tuple[str, Callable[[Runs], xr.DataArray]]]
    holds: Mapping[str, Callable[[Mapping[str, float]], bool]] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def level(name: str, year: float = 2034, of: str = "", **where: str) -> Callable[[Runs], xr.DataArray]:
    """A value of the scenario, or of another, in a year."""
    return lambda runs: runs(of)[name].sel(time=year, **where)


def gap(name: str, year: float = 2034, at: str = "", **where: str) -> Callable[[Runs], xr.DataArray]:
    """What a scenario has more of than the baseline, in a city."""
    return lambda runs: (runs(at)[name] - runs(f"baseline{at}")[name]).sel(time=year, **where)


def less(name: str, year: float = 2034, **where: str) -> Callable[[Runs], xr.DataArray]:
    """What it has less of."""
    return lambda runs: -gap(name, year, **where)(runs)


def change(name: str, year: float = 2034, at: str = "", **where: str) -> Callable[[Runs], xr.DataArray]:
    """The difference as a share of the baseline."""
    return lambda runs: (runs(at)[name] / runs(f"baseline{at}")[name]).sel(time=year, **where) - 1


def left(name: str, year: float, then: float, **where: str) -> Callable[[Runs], xr.DataArray]:
    """What is left of a year's difference in another year."""
    return lambda runs: gap(name, year, **where)(runs) / gap(name, then, **where)(runs)


def over_the_years(name: str) -> Callable[[Runs], xr.DataArray]:
    """The differences of all years together."""
    return lambda runs: (runs("")[name] - runs("baseline")[name]).sum("time")


def per_yuan(name: str) -> Callable[[Runs], xr.DataArray]:
    """The same for each yuan spent."""
    return lambda runs: over_the_years(name)(runs) / runs("")["total policy spending"].sum("time")


def per_pay(runs: Runs) -> xr.DataArray:
    """Value added that goes with each yuan of pay."""
    return over_the_years("value added")(runs) / over_the_years("talent pay bill")(runs)


def colleagues(runs: Runs) -> xr.DataArray:
    """Talent missing after a year besides the leading scientists."""
    return -(gap(TALENT, 2028)(runs) - gap("Talent", 2028, tier="leading")(runs))


def anyway(runs: Runs) -> xr.DataArray:
    """The share of those recruited who would have come in any case."""
    drive = runs("").sel(time=slice(2026, 2029))
    return 1 - drive["recruited arrivals"].sum(["tier", "time"]) / drive["recruitment drive"].sum("time")


def beyond_parts(runs: Runs) -> xr.DataArray:
    """Value added of the mix beyond that of its three parts, as a share of it."""
    parts = sum(over_the_years("value added")(lambda of, p=part: runs(of or p)) for part in PARTS)
    return over_the_years("value added")(runs) / parts - 1


TALENT = "total talent"
MORE = {"more": ("person", gap(TALENT)), "share": ("%", change(TALENT))}
PARTS = ("industry", "policy", "ecology")
"""Scenarios of a part of the three dimensions each: the policies under these remarks in the file."""

FINDINGS = {
    "cash_subsidy_only": Finding(
        "wuxi",
        "{more} more in 2030 ({more:80}; {share}), for {cost}. Four years after the end {left} of them are left: nothing in the "
        "city has changed, so nothing holds them.",
        "2030年多出{more}（{more:80}，{share}），花费{cost}；停发四年后只剩其中的{left}：城市本身没有变化，也就没有留人的理由。",
        {"more": ("person", gap(TALENT, 2030)), "share": ("%", change(TALENT, 2030)), "left": ("%", left(TALENT, 2034, 2030))},
        {"most of them are gone": lambda v: v["left"] < 0.5},
    ),
    "hefei_combination": Finding(
        "hefei",
        "{stay} of the professionals who came in 2025 are still there in 2030 ({without} without), not 78 %: a cluster takes "
        "longer than five years to deepen. {more} more in 2034 ({more:80}; {share}), and value added is {output} higher, for "
        "{cost}. By 2029 {early} of the gain in people is there: firms come first, people follow.",
        "2025年新来的专业人才到2030年有{stay}留下（不出台政策为{without}），达不到78%，因为产业集群的深化不止五年。2034年人才多"
        "{more}（{more:80}，{share}），地区生产总值高{output}，花费{cost}。到2029年人才增量只到{early}：先有企业，后有人。",
        MORE | {
            "stay": ("%", level("cohort retention", 2030, tier="professional")),
            "without": ("%", level("cohort retention", 2030, "baseline", tier="professional")),
            "output": ("%", change("value added")), "early": ("%", left(TALENT, 2029, 2034)),
        },
        {"not 78 %": lambda v: v["stay"] < 0.7, "most comes later": lambda v: v["early"] < 0.5, "output rises": lambda v: v["output"] > 0},
    ),
    "industry_upgrade": Finding(
        "suzhou",
        "{firms} firms within reach in 2034 instead of {without}, {more} more ({more:80}; {share}), and value added {output} "
        "higher, for {cost}. By 2030 {early} of the gain in people is there: slow, but net of what other cities lose {net} are gained.",
        "2034年可触及的上下游企业由{without}家增至{firms}家，人才多{more}（{more:80}，{share}），地区生产总值高{output}，花费{cost}。"
        "到2030年人才增量只到{early}：见效慢，但扣除其他城市的损失仍净增{net}。",
        MORE | {
            "firms": ("", level("Suppliers")), "without": ("", level("Suppliers", of="baseline")), "output": ("%", change("value added")),
            "early": ("%", left(TALENT, 2030, 2034)), "net": ("yuan/year", gap("shared value")),
        },
        {"slow": lambda v: v["early"] < 0.6, "a net gain": lambda v: v["net"] > 0, "more firms": lambda v: v["firms"] > v["without"]},
    ),
    "talent_policy_3": Finding(
        "shenzhen",
        "{more} more in 2034 ({more:80}; {share}), for {cost}, {each} a head. It lasts where cash fades, but rent is dear.",
        "2034年多出{more}（{more:80}，{share}），花费{cost}，人均{each}。效果比现金持久，但租金昂贵。",
        MORE | {"late": ("%", left(TALENT, 2034, 2031))},
        {"it lasts": lambda v: v["late"] > 1},
    ),
    "quality_city": Finding(
        "chengdu",
        "satisfaction is {content} higher in 2034, since coverage is not yet full and the money is missed elsewhere; time to "
        "care falls to {care} times Beijing's. {more} more ({more:80}; {share}), for {cost}, {each} a head: slow and dear as "
        "a talent policy.",
        "因覆盖尚未完成、资金又挤占其他服务，2034年满意度只提高{content}；就医时间降至北京的{care}倍。人才多{more}（{more:80}，{share}），"
        "花费{cost}，人均{each}：作为人才政策，又慢又贵。",
        MORE | {
            "content": ("%", change("service satisfaction")), "care": ("", level("medical access time ratio")),
            "before": ("", level("medical access time ratio", of="baseline")),
        },
        {"time falls": lambda v: v["care"] < v["before"], "dear": lambda v: v["each"] > 5e5},
    ),
    "golden_blue_collar": Finding(
        "dongguan",
        "skilled people leave {leave} less often in 2030; {more} more stay by 2034 ({more:80}; {share}), for {cost}. Value "
        "added is {output} higher, since posts follow people only in part. It works where there are factories: in Handan the same "
        "plan gains {handan}.",
        "2030年技能人才流失率低{leave}；到2034年多留{more}（{more:80}，{share}），花费{cost}。岗位只部分跟上，地区生产总值高{output}。"
        "它在有工厂的地方才有效：在邯郸，同样的计划增加{handan}。",
        MORE | {
            "leave": ("%", lambda runs: -change("departure hazard", 2030, tier="skilled")(runs)),
            "output": ("%", change("value added")), "handan": ("%", change(TALENT, at="@handan")),
        },
        {"they stay": lambda v: v["leave"] > 0, "output follows in part": lambda v: v["output"] < v["share"], "less in Handan": lambda v: v["handan"] < v["share"]},
        ("handan",),
    ),
    "culture_capital": Finding(
        "hangzhou",
        "{more} more in 2034 ({more:80}; {share}), and a brand {brand} stronger, for {cost}. Each yuan spent brings {back} "
        "yuan of value added within the ten years. Those people come from other cities: net of their loss it is {net}.",
        "2034年人才多{more}（{more:80}，{share}），品牌提高{brand}，花费{cost}。十年内每花1元带来{back}元增加值。来的人出自其他城市，"
        "扣除其损失后为{net}。",
        MORE | {"brand": ("%", change("City Brand")), "back": ("", per_yuan("value added")), "net": ("yuan/year", gap("shared value"))},
        {"people come": lambda v: v["more"] > 0},
    ),
    "hometown_return": Finding(
        "changsha",
        "{return} more graduates and others return in 2034; since returnees are only a part of arrivals, that is {more} more "
        "({more:80}; {share}), for {cost}. By 2028 {early} of the gain is there, for the schools must stand first.",
        "2034年返乡人数高{return}；返乡者只占迁入的一部分，故2034年多出{more}（{more:80}，{share}），花费{cost}。到2028年只到增量的{early}，"
        "因为学校要先建成。",
        MORE | {
            "return": ("%", lambda runs: runs("")["returnees"].sum("tier").sel(time=2034) / runs("baseline")["returnees"].sum("tier").sel(time=2034) - 1),
            "early": ("%", left(TALENT, 2028, 2034)),
        },
        {"late": lambda v: v["early"] < 0.3},
    ),
    "mass_recruitment": Finding(
        "zhengzhou",
        "{anyway} of those recruited would have come anyway; {more} more are there in 2030 ({more:80}; {share}) and {later} in "
        "2034, for {cost}: four years after its end {left} of what the drive brought is left.",
        "所引进的人中{anyway}本来就会来；2030年净增{more}（{more:80}，{share}），2034年为{later}，花费{cost}：结束四年后，引才净增的人只剩{left}。",
        {
            "more": ("person", gap(TALENT, 2030)), "share": ("%", change(TALENT, 2030)), "later": ("person", gap(TALENT)),
            "anyway": ("%", anyway), "left": ("%", left(TALENT, 2034, 2030)),
        },
        {"they leave": lambda v: v["later"] < v["more"], "most come anyway": lambda v: v["anyway"] > 0.5},
    ),
    "three_dimensional": Finding(
        "hefei",
        "{more} more in 2034 ({more:80}; {share}), for {cost}, {each} a head. Over the ten years the mix makes {beyond} more "
        "value added than its three parts apart. Net of what other cities lose {net} are gained in 2034. In Handan talent gains "
        "{handan}, output {handan output}.",
        "2034年多出{more}（{more:80}，{share}），花费{cost}，人均{each}；十年间组合的增加值比三部分单独实施之和多{beyond}。扣除其他城市的损失，"
        "2034年净增{net}。在邯郸，人才增{handan}，产出增{handan output}。",
        MORE | {
            "beyond": ("%", beyond_parts), "net": ("yuan/year", gap("shared value")),
            "handan": ("%", change(TALENT, at="@handan")), "handan output": ("%", change("value added", at="@handan")),
        },
        {"more than its parts": lambda v: v["beyond"] > 0, "a net gain": lambda v: v["net"] > 0},
        ("handan",),
    ),
    "core_team_exit": Finding(
        "shenyang",
        "{leaders} leading scientists and {colleagues} of their colleagues are missing after a year; investment is {invested} "
        "lower at once, patents {patents} a year in 2034. The posts stand open and draw others: four years later {open} of the "
        "gap in leaders is left. But suppliers follow one another out: value added is {output} lower in 2034, and over the years "
        "{back} yuan are lost for each yuan of pay.",
        "一年后领军人才少{leaders}名，随行同事少{colleagues}人，配套投资立即每年少{invested}，2034年专利少{patents}件。空缺岗位吸引他人补入，四年后"
        "领军人才缺口还剩{open}；但供应商接连退出：2034年地区生产总值低{output}，历年合计每损失1元薪酬少{back}元增加值。",
        {
            "leaders": ("", less("Talent", 2028, tier="leading")), "colleagues": ("", colleagues),
            "invested": ("yuan/year", less("supporting investment", 2028)), "patents": ("", less("invention grants")),
            "open": ("%", left("Talent", 2032, 2028, tier="leading")), "output": ("%", lambda runs: -change("value added")(runs)),
            "back": ("", per_pay),
        },
        {"others come": lambda v: v["open"] < 0.8, "output is lost": lambda v: v["output"] > 0},
    ),
}  # fmt: skip


OUTPUTS = (
    TALENT, "Talent", "value added", "total policy spending", "shared value", "cohort retention", "Suppliers", "service satisfaction",
    "medical access time ratio", "departure hazard", "City Brand", "returnees", "recruited arrivals", "recruitment drive",
    "supporting investment", "invention grants", "talent pay bill",
)  # fmt: skip


@cache
def runs_of(scenario: str, city: str) -> xr.Dataset:
    """Run a shipped scenario, or a part of the three dimensions, in every draw."""
    asked: Any = scenario
    if scenario in PARTS:
        text = (shipped_folder("scenarios") / "three_dimensional.yaml").read_text("utf-8")
        part = re.search(rf"^  # {scenario}\n((?:  \w.*\n?)+)", text, re.MULTILINE)
        assert part is not None, scenario
        names = re.findall(r"^  (\w+):", part[1], re.MULTILINE)
        whole = load_scenario("three_dimensional").policies
        asked = {
            "title": scenario,
            "extends": "three_dimensional",
            "policies": {name: "off" for name in whole if name not in names},
        }
    found = ts.ensemble(asked, city, draws=DRAWS, seed=SEED, outputs=OUTPUTS, progress=False)
    return found.isel(scenario=0, drop=True)


def measured(name: str) -> dict[str, tuple[str, xr.DataArray]]:
    """Return what stands in a finding's braces: name -> (unit, value in each draw)."""
    one = FINDINGS[name]

    def runs(of: str) -> xr.Dataset:
        scenario, _, city = of.partition("@")
        return runs_of(scenario or name, city or one.city)

    found = {word: (unit, measure(runs)) for word, (unit, measure) in one.values.items()}
    if load_scenario(name).policies:
        split = ts.attribute_policies(name, one.city, outputs=[TALENT], draws=SPLIT, among=DRAWS, seed=SEED)
        each = ranked(in_all_draws(split, "mix_cost_per").sel(measure="person").values.ravel(), (0.5,))[0]
        found |= {
            "cost": ("yuan", in_all_draws(split, "mix_cost").isel(scenario=0)),
            "each": ("yuan", xr.DataArray([each], dims="draw")),
        }
    return found


class Told(str):
    """A median in words; `{name:80}` is its interval."""

    ends: str

    def __format__(self, spec: str) -> str:
        """Give the median, or the interval."""
        return self.ends if spec else str(self)


def told(unit: str, values: xr.DataArray, lang: str) -> Told:
    """Write a median, and its 80 % interval, as tables do."""
    middle = float(values.median())
    low, high = interval(values) if values.size > 1 else (middle, middle)
    gap = "" if lang == "zh" else " "

    def written(value: float) -> str:
        if unit == "%":
            return f"{digits(100 * value, 2)}{gap}%"
        scale = scale_for(value, unit, lang)
        words = f"{gap}{scale.unit}" if scale.unit else ""
        return digits(value / scale.factor, 3 if unit else 2) + words.replace(
            f"{gap}yuan/year", " yuan a year"
        ).replace("/年", "")

    own = Told(written(middle))
    scale = scale_for(max(abs(low), abs(high)), unit, lang)
    ends = [digits(end / scale.factor) for end in (low, high)]
    own.ends = (
        f"80%的抽样在{ends[0]}至{ends[1]}{scale.unit}之间"
        if lang == "zh"
        else f"80 % of draws: {ends[0]} to {ends[1]} {scale.unit}"
    )
    return own


def inputs_of(name: str) -> dict[str, str | int]:
    """Return what a finding follows from: city, draws, seed, and what tells model and inputs from others."""
    model, one = load_model(), FINDINGS[name]
    settings = [
        resolve_scenario(scenario, city, model.structure).params()
        for scenario in (name, "baseline")
        for city in (one.city, *one.others)
    ]
    priors = (shipped_folder("models") / "priors.yaml").read_bytes()
    parts = [json.dumps(settings, sort_keys=True).encode(), priors, read_posterior().sha256.encode()]
    inputs = hashlib.sha256(b"".join(parts)).hexdigest()[:12]
    return {
        "city": one.city, "draws": DRAWS, "seed": SEED, "model": model.structure.sha256[:12], "inputs": inputs,
    }  # fmt: skip


def stale() -> list[str]:
    """Return the scenarios whose finding was measured on another model or other inputs, or never."""
    return [name for name in FINDINGS if dict(load_scenario(name).measured) != inputs_of(name)]


def block(name: str) -> str:
    """Return the lines of a file that tell what a scenario finds.

    Raises
    ------
    SystemExit
        If words that hold no number are no longer so.
    """
    one, values = FINDINGS[name], measured(name)
    middle = {word: float(found.median()) for word, (_, found) in values.items()}
    wrong = [words for words, holds in one.holds.items() if not holds(middle)]
    if wrong:
        told_ = {word: float(f"{value:.3g}") for word, value in middle.items()}
        sys.exit(f"{name}: no longer so: {'; '.join(wrong)}. Mend its sentence in .ci/findings.py. {told_}")
    texts = {}
    for lang in ("en", "zh"):
        words = {word: told(unit, found, lang) for word, (unit, found) in values.items()}
        if "cost" in words:
            words["cost"] = Told(
                words["cost"] + ("（折现到2024年）" if lang == "zh" else " at present value")
            )
        colon = "：" if lang == "zh" else ": "
        texts[lang] = load_city(one.city).title[lang] + colon + getattr(one, lang).format(**words)
    held = texts["en"].replace(" %", "\N{NO-BREAK SPACE}%")  # a line ends between words
    lines = textwrap.wrap(held, 118, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
    lines = [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
    notes = re.sub(
        r'"(\w+)":', r"\1:", json.dumps(inputs_of(name))
    )  # hashes stay quoted: one may look like a number
    return "\n".join(["finding:", "  en: >-", *lines, f"  zh: {texts['zh']}", f"measured: {notes}", ""])


def main(*asked: str) -> None:
    """Write the findings of some or all scenarios, or name those that are stale."""
    if asked == ("--stale",):
        sys.exit("\n".join(stale()) or None)
    for name in asked or FINDINGS:
        file = shipped_folder("scenarios") / f"{name}.yaml"
        text = file.read_text("utf-8")
        own = block(name)
        new = re.sub(
            r"^finding:\n(?:  .*\n)+(?:measured:.*\n)?", lambda _, own=own: own, text, flags=re.MULTILINE
        )
        file.write_text(new, encoding="utf-8")
        sys.stdout.write(f"{file.name}: {'as it was' if new == text else 'written'}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
