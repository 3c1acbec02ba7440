"""Names, numbers and units as people write them in a language: 1.2 million people, 12.3 亿元/年."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import BAND, DRAW, SCENARIO
from talent_sd.base.language import N_, digits, fixed, percent, tell
from talent_sd.inputs.labels import Labels
from talent_sd.inputs.settings import years_in_force

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.model.structure import Structure

DIMENSIONLESS = {"", "1", "dmnl", "dimensionless", "share", "ratio"}
UNITS = {
    "firm": N_("firm"), "m²": N_("m²"), "patent": N_("patent"), "person": N_("person"), "year": N_("year"),
    "yuan": N_("yuan"),
}  # fmt: skip
STEPS = {
    "en": ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1e3, "thousand")),
    "zh": ((1e12, "万亿"), (1e8, "亿"), (1e4, "万")),
}
"""Factor and name of the scales of each language, largest first."""
LEAST_STEPS = {"en": dict[str, float](), "zh": {"yuan/year": 1e8}}
"""Units that a language tells in no smaller scale: a city's yearly money is told in hundreds of millions."""
NO_BREAK = "\N{NO-BREAK SPACE}"
SOURCE = N_("Source: {source}, model {model} ({hash}).")
KNOWN = N_(" Left of the dotted line: years in which something of the city is known.")


@dataclass(frozen=True)
class Scale:
    """What to divide values by, and the unit that is left."""

    factor: float
    unit: str


def unit_label(unit: str, lang: str = "en") -> str:
    """Unit of the model in words, "" if dimensionless.

    >>> unit_label("yuan/(person*year)")
    'yuan/(person·year)'
    >>> unit_label("yuan/(person*year)", "zh")
    '元/(人·年)'
    >>> unit_label("yuan/(m*m)"), unit_label("yuan/(m*m)", "zh")
    ('yuan/m²', '元/平方米')
    >>> unit_label("dmnl")
    ''
    """
    if unit.strip().casefold() in DIMENSIONLESS:
        return ""
    text = re.sub(r"\s*\*\s*", "·", unit.strip()).replace("m·m", "m²")

    def name(match: re.Match[str]) -> str:
        known = UNITS.get(match.group().casefold())
        return tell(known, lang) if known else match.group()

    return re.sub(r"\(([^\W\d_]+)\)", r"\1", re.sub(r"[^\W\d_]+", name, text))


def scale_for(largest: float, unit: str, lang: str = "en") -> Scale:
    """Choose the scale in which the largest value has one to four digits before the point.

    Values under ten thousand stay as they are: 1,280 people are not 1.28 thousand.

    >>> scale_for(9.4e6, "person")
    Scale(factor=1000000.0, unit='million people')
    >>> scale_for(9.4e6, "person", "zh")
    Scale(factor=10000.0, unit='万人')
    >>> scale_for(4.6e7, "yuan/year", "zh").unit, scale_for(4.6e7, "yuan", "zh").unit
    ('亿元/年', '万元')
    >>> scale_for(0.3, "dmnl")
    Scale(factor=1.0, unit='')
    """
    label, size = unit_label(unit, lang), abs(largest)
    if label and 1e4 <= size < math.inf:
        size = max(size, LEAST_STEPS[lang].get(unit, 0))
        for factor, name in STEPS[lang]:
            if size >= max(factor, 1e4):
                return Scale(factor, f"{name} {_plural(label)}" if lang == "en" else f"{name}{label}")
    return Scale(1.0, _plural(label) if lang == "en" else label)


def _plural(label: str) -> str:
    """English counts take a plural: "person/year" -> "people/year", "year" -> "years".

    >>> _plural("person/year"), _plural("yuan"), _plural("patent"), _plural("1/year")
    ('people/year', 'yuan', 'patents', '1/year')
    """
    head, slash, rest = label.partition("/")
    plurals = {
        "person": "people",
        "patent": "patents",
        "firm": "firms",
        "household": "households",
        "year": "years",
        "level": "levels",
    }
    return plurals.get(head, head) + slash + rest


def signed(value: float, significant: int = 3, beside: float = 0.0) -> str:
    """Write a number as `digits` does, with its sign.

    >>> signed(12.345), signed(-3.0), signed(0.0), signed(1e-9, beside=1.0)
    ('+12.3', '−3.00', '0', '0')
    """
    text = digits(value, significant, beside)
    return f"+{text}" if value > 0 and text != "0" else text


def span(low: float, high: float, beside: float = 0.0) -> str:
    """Write the ends of an interval.

    >>> span(-1.0, 2.5)
    '−1.00 … 2.50'
    """
    return f"{digits(low, beside=beside)} … {digits(high, beside=beside)}"


def year_spans(years: Iterable[int], lang: str = "en") -> str:
    """Write years as runs of those that follow one another; "" for none.

    >>> year_spans([2027, 2028, 2030, 2032, 2033]), year_spans([2027, 2029], "zh"), year_spans([])
    ('2027–2028, 2030, 2032–2033', '2027、2029', '')
    """
    runs: list[list[int]] = []
    for year in years:
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    told = ("–".join(dict.fromkeys((f"{run[0]}", f"{run[-1]}"))) for run in runs)
    return ("、" if lang == "zh" else ", ").join(told)


def interval(values: xr.DataArray) -> tuple[float, float]:
    """Return the ends of the 80 % band over draws; NaN of a single one."""
    if values.sizes.get(DRAW, 1) < 2:
        return math.nan, math.nan
    low, high = values.quantile(BAND, DRAW).values.tolist()
    return low, high


def hundredth(share: float) -> int:
    """Return a share of draws in whole per cent; all of them, and none, only where it is so.

    >>> hundredth(0.995), hundredth(1.0), hundredth(0.001)
    (99, 100, 1)
    """
    whole = int(fixed(100 * share))
    return whole if share in (0.0, 1.0) else min(max(whole, 1), 99)


def chance(share: float, lang: str = "en") -> str:
    """Write a share of draws as `hundredth` does, "–" for none known."""
    return f"{hundredth(share)}{'' if lang == 'zh' else NO_BREAK}%" if math.isfinite(share) else "–"


def scenario_titles(forecast: xr.Dataset, lang: str) -> dict[str, str]:
    """Titles of the scenarios in a language, from the coordinate `title_<lang>`; else their names."""
    names = [str(name) for name in np.atleast_1d(forecast[SCENARIO].values)]
    coordinate = f"title_{lang}"
    titles = np.atleast_1d(forecast[coordinate].values).tolist() if coordinate in forecast.coords else names
    return dict(zip(names, map(str, titles), strict=True))


def city_name(forecast: xr.Dataset, lang: str) -> str:
    """Name of the city in a language, as the dataset carries it."""
    return str(forecast.attrs.get(f"city_{lang}", forecast.attrs.get("city", "")))


def one_run_note(forecast: xr.Dataset, lang: str) -> str:
    """Say whether what has no draws is the central run, or is left of draws."""
    if "sampling" in forecast.attrs:
        return tell("What is left of several draws, not the central run.", lang)
    return tell("One central run.", lang)


def sentences(lang: str, *told: str) -> str:
    """Return sentences one after another, as the language parts them; empty ones are left out.

    >>> sentences("en", "One.", "", "Two."), sentences("zh", "一。", "二。")
    ('One. Two.', '一。二。')
    """
    return ("" if lang == "zh" else " ").join(filter(None, told))


def source_line(forecast: xr.Dataset, lang: str, bands: Sequence[str], since: float | None = None) -> str:
    """Where the numbers come from; what the line at the forecast's start means; of several draws, what the bands (keys) are."""
    attrs = forecast.attrs
    line = tell(
        SOURCE,
        lang,
        source=attrs.get("source", "talent_sd"),
        model=attrs.get("model", ""),
        hash=str(attrs.get("model_sha256", ""))[:8],
    )
    if since is not None:
        line += tell(KNOWN, lang)
    if forecast.sizes.get(DRAW, 1) < 2:
        return sentences(lang, line, one_run_note(forecast, lang) if "city_en" in attrs else "")
    return line + "".join(tell(key, lang, draws=attrs.get("draws", forecast.sizes[DRAW])) for key in bands)


_LATIN = r"[^\s\u3000-\uffef（《“]"
_PIECE = re.compile(
    rf"[（《“(]*(?:[+−-]?\d(?:{_LATIN}*[\d.)%])?(?:[ \xa0]%|[ \xa0](?:thousand|million|billion|trillion)\b"
    rf"|{_LATIN}+|[万亿]*(?:平方米|[年月人元件倍个次])?(?:/[年人元件])?)"
    rf"|{_LATIN}+?(?:-(?=[a-z])|(?=[\s\u3000-\uffef（《“])|$)|[\u3000-\uffef])?[，。、；：！？）》”％%…,.;:)]*\s*|.",
    re.DOTALL,
)


def pieces(text: str) -> list[str]:
    """Return what no line may break inside: a word, a Chinese character, a number with its unit, each with marks at its ends.

    >>> pieces("2030年2.54万人/年，占 80 %。"), pieces("+0.07 % of 1.2 million people")
    (['2030年', '2.54万人/年，', '占 ', '80 %。'], ['+0.07 % ', 'of ', '1.2 million ', 'people'])
    """
    return [piece for piece in _PIECE.findall(text) if piece]


def broken(text: str, width: float, narrow: float = 0.5) -> list[str]:
    """Break a text between its `pieces` into lines as wide as so many Chinese characters, other letters being `narrow`.

    >>> broken("一二三四。五六2034年", 4), broken("一二三四五", 4), broken("80 % of the draws", 4)
    (['一二三', '四。五六', '2034年'], ['一二三', '四五'], ['80 % of', 'the', 'draws'])
    >>> broken("Campus-recruitment premium", 7.5), broken("Dots tell what was counted.", 11)
    (['Campus-', 'recruitment', 'premium'], ['Dots tell what', 'was counted.'])
    """
    lines, used = [list[str]()], 0.0
    for piece in pieces(text):
        own = sum(1.0 if letter > "\u2e80" else narrow for letter in piece.rstrip())
        if lines[-1] and used + own > width:
            lines.append([])
            used = 0.0
        lines[-1].append(piece)
        used += own + narrow * (len(piece) - len(piece.rstrip()))
    alone = len(lines[-1]) == 1 and (len(lines[-1][0].strip()) <= 2 or lines[-1][0].isascii())
    if alone and len(lines) > 1 and len(lines[-2]) > 2:
        brought = "".join([lines[-2][-1], *lines[-1]])
        if sum(1.0 if letter > "\u2e80" else narrow for letter in brought) <= width:
            lines[-1].insert(0, lines[-2].pop())  # no word, and no character, stands alone
    return ["".join(line).strip() for line in lines]


@dataclass(frozen=True)
class Speech:
    """Words, names and numbers in a language."""

    lang: str
    labels: Labels = field(default_factory=Labels)

    def __call__(self, template: str, /, **values: object) -> str:
        """Return a text in the language, its `{names}` filled in.

        >>> Speech("zh")("Contents")
        '目录'
        """
        return tell(template, self.lang, **values)

    def variable(self, name: str) -> str:
        """Return what a variable of the model is called."""
        return self.labels.variable(name, self.lang)

    def element(self, name: object) -> str:
        """Return what an element of a subscript is called."""
        return self.labels.element(str(name), self.lang)

    def scale(self, largest: float, unit: str) -> Scale:
        """Return the scale for numbers up to `largest`; what has no unit is called dimensionless."""
        return scale_for(largest, unit, self.lang)

    def unit(self, scale: Scale) -> str:
        """Return a scale's unit for a column's heading."""
        return scale.unit or tell("dimensionless", self.lang)

    def unit_of(self, unit: str) -> str:
        """Return a unit of the model in words, "" if dimensionless."""
        return unit_label(unit, self.lang)

    def amount(self, value: float, scale: Scale, sign: bool = False) -> str:
        """Return a number with its unit.

        >>> Speech("en").amount(-249000, Scale(1e3, "thousand people"))
        '−249 thousand people'
        >>> Speech("zh").amount(24.9e4, Scale(1e4, "万人"), sign=True)
        '+24.9万人'
        """
        gap = "" if self.lang == "zh" or not scale.unit else " "
        return f"{(signed if sign else digits)(value / scale.factor)}{gap}{scale.unit}"

    def percent(self, share: float) -> str:
        """Return a relative change with its sign; it never breaks from its number.

        >>> Speech("zh").percent(0.054), Speech("en").percent(float("nan"))
        ('+5.4%', '–')
        """
        return percent(share, self.lang)

    def chance(self, probability: float) -> str:
        r"""Return a probability in whole percent; what is not certain is not told as certain.

        >>> Speech("en").chance(0.9999), Speech("zh").chance(0.5), Speech("zh").chance(1.0)
        ('99\xa0%', '50%', '100%')
        """
        return chance(probability, self.lang)

    def both(self, texts: Mapping[str, str]) -> str:
        """Return a text by language, the other language's where this one has none."""
        return texts.get(self.lang) or texts.get("en") or next(iter(texts.values()), "")


MILLIONS = {"en": 1e6, "zh": 1e8}
"""Yuan in which plans are told: millions, in Chinese hundreds of millions."""


def letter(plan: str) -> str:
    """Return what a plan is called.

    >>> letter("plan_b")
    'B'
    """
    return plan.rpartition("_")[2].upper()


def plan_words(plans: xr.Dataset, name: str, labels: Labels, lang: str = "en") -> str:
    """Return what is in a plan: each policy with its money a year and its years, the dearest first."""
    one = plans.sel(plan=name)
    one = one.isel(policy=np.argsort(-one["cost"].values, kind="stable"))
    parts = [
        tell(
            N_("{policy} {cost} ({years})"), lang, policy=labels.element(str(p), lang),
            cost=digits(float(one["cost"].sel(policy=p)) / MILLIONS[lang]),
            years=years_of_plan(one.sel(policy=p), lang),
        )
        for p in one["policy"].values if float(one["intensity"].sel(policy=p)) > 0
    ]  # fmt: skip
    return f"{letter(name)}: {tell(', ', lang).join(parts)}"


def years_of_plan(one: xr.Dataset, lang: str = "en") -> str:
    """Return the years in which a policy of a plan is on, as far as its forecast goes."""
    last = one.attrs.get("forecast_until", math.inf)
    return year_spans(years_in_force(float(one["start"]), float(one["end"]), last=last), lang)


def factor_words(factor: Mapping[str, Any], labels: Labels, structure: Structure, lang: str = "en") -> str:
    """Say what decides between two plans, as `deciding_factors` found it."""
    leads = f"{hundredth(factor['leads'])}"
    second = letter(factor["other"]) if factor["other"] else tell("doing nothing", lang)
    words = {"plan": letter(factor["plan"]), "other": second, "leads": leads}
    if "constant" not in factor:
        return tell(
            "{plan} beats {other} in {leads} % of the draws; no single constant decides.", lang, **words
        )
    key = str(factor["constant"])
    name, _, element = key.removesuffix(" (factor)").partition("[")
    elements = [labels.element(part.strip(), lang) for part in element.rstrip("]").split(",") if part]
    words["constant"] = labels.variable(name, lang) + (f" ({', '.join(elements)})" if elements else "")
    unit = (
        tell("times its value", lang) if key.endswith(" (factor)") else unit_label(structure[name].unit, lang)
    )
    if not factor["unless"]:
        more = factor["correlation"] > 0
        text = N_("{plan} beats {other} in {leads} % of the draws, and by more the higher “{constant}” is.")
        less = N_("{plan} beats {other} in {leads} % of the draws, and by more the lower “{constant}” is.")
        return tell(text if more else less, lang, **words)
    above = np.isnan(factor["high"])
    words["bound"] = f"{digits(factor['low'] if above else factor['high'])} {unit}".strip()
    words["share"] = f"{hundredth(factor['share'])}"
    text = N_(
        "{plan} beats {other} in {leads} % of the draws, unless “{constant}” is above {bound}: "
        "then {other} does, in {share} %."
    )
    less = N_(
        "{plan} beats {other} in {leads} % of the draws, unless “{constant}” is below {bound}: "
        "then {other} does, in {share} %."
    )
    return tell(text if above else less, lang, **words)
