"""Starter files: a scenario that runs as it stands, with all that it could set in comments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.errors import InputError
from talent_sd.base.language import N_, reason_of, tell
from talent_sd.inputs.file_schemas import schemas_folder
from talent_sd.inputs.labels import Labels
from talent_sd.inputs.model_interface import policy_key
from talent_sd.inputs.policy_checks import TIMING
from talent_sd.inputs.schema_problems import PLACEHOLDERS
from talent_sd.inputs.shipped_names import shipped_names
from talent_sd.output.numbers import unit_label

if TYPE_CHECKING:
    from talent_sd.inputs import Scenario
    from talent_sd.inputs.city_figures import Mapped
    from talent_sd.inputs.file_schemas import CityFigures, FigureKind, FigureToConstant
    from talent_sd.model.structure import Structure, Variable

ASSUMPTIONS = N_("Assumptions: constants of the model (talent-sd list variables), each with its reason.")
CITY = N_("{name}: a city's facts. Every figure has unit, year and source; no estimates.")
CITY_MORE = N_(
    "More years are welcome, values: {{2020: ..., 2021: ..., 2022: ...}}; a back-test needs those of its "
    "own start year."
)
CITY_TODO = N_("Replace every {placeholder}; talent-sd check {file} lists what is still to be filled in.")
CITY_YEARS = N_(
    "A forecast starts in {start}: give the figure of {start}, else of the latest year within the range "
    "stated."
)
COMMENTED = N_(
    'Lines that begin with # are not read: remove "# " from what shall count, headings such as policies: '
    "included."
)
CONTEXT = N_("National path, one of: {names}; or a file of your own.")
FALLBACK_VALUE = N_("If left out, an assumption stands in: {value}, range {low} to {high}.")
FROM_CENSUS = N_("From: Population Census {year}, the province's tables by city.")
FROM_LONG_FORM = N_(
    "From: Population Census {year}, long-form tables of the employed by industry or occupation."
)
FROM_MARKET = N_("From: statistics bureau, housing bureau or a property portal; say which.")
FROM_PROVINCE = N_(
    "From: China Statistical Yearbook, the same on Science and Technology, or the Population Census."
)
FROM_YEARBOOK = N_(
    "From: China City Statistical Yearbook, the province's or city's yearbook, the city's communiqué."
)
OPTIONAL = N_("Wanted, but something stands in for them")
PARENT = N_("The scenario that this one starts from; its settings hold where this file says nothing else.")
POLICIES = N_(
    "Policies, with the model's own timing and intensity; what you leave out keeps it. Instead of "
    "settings: on or off."
)
POLICIES_MORE = N_(
    "A policy also takes  pause: {{from: 2027, until: 2028}},  targeting: 0.8,  and why, source and "
    "evidence beside these."
)
QUESTION = N_("What shall this scenario answer?")
SCENARIO = N_("{name}: a policy scenario. It runs as it stands: talent-sd run {file}")
UNUSED = N_("For the record: the model does not use them")
WANTED_LATEST = N_("{figure}. Unit: {unit}. Wanted: {year}, or the latest of {first} to {start}.")

STRENGTH = ("intensity", "unit cost")
EXAMPLES = ("policy budget share",)
"""Constants shown as assumptions."""
SHOCK_PART, SHOCK_FACTOR, SHOCK_AFTER = 0.2, 0.8, 5
"""A shock's size in the example, where it is a part and where it is a factor; years after the start it comes."""


def starter_path(name: str, kind: str) -> Path:
    """Return the file that a starter of this name goes to.

    Parameters
    ----------
    name : a bare name, or a path that ends in .yaml or .yml
    kind : "scenario" or "city"

    Raises
    ------
    InputError
        If the name cannot be one, is a shipped file's, or the file is there already.
    """
    path = Path(name)
    if not path.stem.strip() or not name.isprintable() or path.name in (".", ".."):
        raise InputError("'{name}' cannot be the name of a file. Choose another.", name=name)
    if path.suffix.lower() not in (".yaml", ".yml"):
        path = path.with_name(f"{path.name}.yaml")
    if path.stem in shipped_names(kind):
        raise InputError("'{name}' is the name of a file that ships. Choose another.", name=path.stem)
    if path.exists() or path.is_symlink():
        raise InputError("{file}: is there already. Choose another name.", file=path)
    return path


def write_starter(path: Path, text: str) -> None:
    """Write a starter file, never over another.

    Raises
    ------
    InputError
        If it is there already, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError("{file}: is there already. Choose another name.", file=path) from None
    except OSError as error:
        reason = reason_of(error)
        raise InputError(
            "{file}: cannot be written ({reason}). Choose another place.", file=path, reason=reason
        ) from None


def scenario_starter(
    path: Path, parent: Scenario, extends: str, structure: Structure, own: Mapping[str, float],
    labels: Labels, lang: str = "en",
) -> str:  # fmt: skip
    """Return the text of a scenario that changes nothing yet.

    Parameters
    ----------
    path : where it will be
    parent, extends : the scenario it starts from, and how the file names it
    structure, own : the model and its own constants
    """
    title = quoted(path.stem.replace("_", " "))
    head = [
        schema_line("scenario"),
        *commented(
            tell(SCENARIO, lang, name=path.stem, file=path),
            tell("What is wrong with it, and on which line: talent-sd check {file}", lang, file=path),
            tell(COMMENTED, lang),
        ),
        f"title: {{en: {title}, zh: {title}}}",
        f"# question: {{en: {quoted(tell(QUESTION, 'en'))}, zh: {quoted(tell(QUESTION, 'zh'))}}}",
        *commented(tell(PARENT, lang)),
        f"extends: {quoted(extends)}",
        "",
    ]
    names = ", ".join(f"national/{name}" for name in shipped_names("national"))
    context = str(parent.context.value) if parent.context else "national/central"
    tail = [*commented(tell(CONTEXT, lang, names=names)), f"# context: {quoted(context)}"]
    parts = [
        _policies(parent, structure, own, labels, lang),
        _assumptions(structure, own, labels, lang),
        _shocks(structure, labels, lang),
    ]
    body = [line for part in parts for line in (*part, "")]
    return "\n".join([*head, *body, *tail]) + "\n"


def schema_line(kind: str) -> str:
    """Return the line that tells an editor with a YAML language server how to complete the file."""
    return f"# yaml-language-server: $schema={(schemas_folder() / f'{kind}.json').as_uri()}"


def commented(*texts: str) -> list[str]:
    """Return texts as comments."""
    return [f"# {text}" for text in texts]


def quoted(text: str) -> str:
    """Return a text as YAML that is read back as it was."""
    return json.dumps(text, ensure_ascii=False)


def _policies(
    parent: Scenario, structure: Structure, own: Mapping[str, float], labels: Labels, lang: str
) -> Iterator[str]:
    yield from commented(tell(POLICIES, lang), tell(POLICIES_MORE, lang), "policies:")
    for policy in structure.subscripts.get("policy", ()):
        constants = {key: structure.find(f"{policy.replace('_', ' ')} {key}") for key in STRENGTH}
        known = {key: constant for key, constant in constants.items() if constant is not None}
        timing = {key: own.get(policy_key(policy, part)) for key, part in TIMING.items()}
        strength = {key: own.get(constant.name) for key, constant in known.items()}
        values: dict[str, object] = {**timing, **strength}
        above = parent.policies.get(policy, {})
        values |= {key: setting.value for key, setting in above.items() if key in values}
        flow = ", ".join(f"{key}: {_number(value)}" for key, value in values.items() if value is not None)
        note = ""
        if above:
            origin = next(iter(above.values())).origin
            note = tell("{file}:{line} sets it", lang, file=origin.file, line=origin.line)
        meanings = [*(_meaning(constant, labels, lang) for constant in known.values()), note]
        told = tell("; ", lang).join(filter(None, meanings))
        yield f"#   # {tell('{name}: {meaning}', lang, name=labels.element(policy, lang), meaning=told)}"
        yield f"#   {policy}: {{{flow}}}"


def _assumptions(structure: Structure, own: Mapping[str, float], labels: Labels, lang: str) -> Iterator[str]:
    yield from commented(tell(ASSUMPTIONS, lang), "assumptions:")
    why, source = quoted(tell("say why", lang)), quoted(tell("say where it comes from", lang))
    for name in EXAMPLES:
        constant = structure.find(name)
        if constant is not None and name in own:
            yield f"#   # {_meaning(constant, labels, lang)}"
            yield f"#   {name}: {{value: {_number(own[name])}, why: {why}, source: {source}}}"


def _shocks(structure: Structure, labels: Labels, lang: str) -> Iterator[str]:
    yield from commented(tell("Shocks: at is the year, size the part that is hit.", lang), "shocks:")
    for name in structure.variables:
        size = structure.find(f"{name.removesuffix(' time')} size")
        if not name.endswith(" time") or size is None:
            continue
        year = structure.time["INITIAL TIME"] + SHOCK_AFTER
        shock = name.removesuffix(" time").replace(" ", "_")
        part = SHOCK_PART if (size.limits[1] or 1.0) <= 1 else SHOCK_FACTOR
        yield f"#   # {_meaning(size, labels, lang)}"
        yield f"#   {shock}: {{at: {_number(year)}, size: {_number(part)}}}"


def _meaning(constant: Variable, labels: Labels, lang: str) -> str:
    """Say what a constant is, and between which limits in which unit."""
    label = labels.variable(constant.name, lang)
    text = constant.doc.split(" Source:")[0].rstrip(".; ") if lang == "en" else label
    low, high = constant.limits
    if low is None or high is None:
        return text
    unit = unit_label(constant.unit, lang)
    limits = tell("{low} to {high} {unit}", lang, low=_number(low), high=_number(high), unit=unit).strip()
    return tell("{meaning}, {limits}", lang, meaning=text, limits=limits)


def _number(value: object) -> str:
    """Write a number as a person would: 30000, not 3e+04.

    >>> _number(30000.0), _number(0.03), _number(2025)
    ('30000', '0.03', '2025')
    """
    assert isinstance(value, (int, float))
    return f"{value:.12g}"


FIGURES = {
    "age_0": N_("People under 1"),
    "age_0_14": N_("People aged 0 to 14"),
    "age_10_14": N_("People aged 10 to 14"),
    "age_15_19": N_("People aged 15 to 19"),
    "age_15_59": N_("People aged 15 to 59"),
    "age_1_4": N_("People aged 1 to 4"),
    "age_20_24": N_("People aged 20 to 24"),
    "age_20_34": N_("People aged 20 to 34"),
    "age_25_29": N_("People aged 25 to 29"),
    "age_30_34": N_("People aged 30 to 34"),
    "age_35_39": N_("People aged 35 to 39"),
    "age_40_44": N_("People aged 40 to 44"),
    "age_45_49": N_("People aged 45 to 49"),
    "age_50_54": N_("People aged 50 to 54"),
    "age_55_59": N_("People aged 55 to 59"),
    "age_5_9": N_("People aged 5 to 9"),
    "age_60_64": N_("People aged 60 to 64"),
    "age_60_plus": N_("People aged 60 and over"),
    "age_65_69": N_("People aged 65 to 69"),
    "age_70_74": N_("People aged 70 to 74"),
    "age_75_79": N_("People aged 75 to 79"),
    "age_80_84": N_("People aged 80 to 84"),
    "age_85_plus": N_("People aged 85 and over"),
    "average_wage": N_("Average wage of urban units' employees"),
    "bachelor_or_above": N_("People with a bachelor's degree or more"),
    "census_population": N_("People counted in the census"),
    "deposit_balance": N_("Deposits with banks, end of the year"),
    "employed": N_("People employed"),
    "fiscal_expenditure": N_("General public budget expenditure"),
    "fiscal_revenue": N_("General public budget revenue"),
    "gdp": N_("Gross domestic product, nominal"),
    "gdp_real_2000": N_("Gross domestic product at prices of 2000"),
    "gdp_secondary": N_("Value added of the secondary sector"),
    "gdp_tertiary": N_("Value added of the tertiary sector"),
    "home_area_per_person": N_("Home area per person"),
    "homes_bought": N_("Households of the long form that bought their home"),
    "homes_rented": N_("Households of the long form that rent their home"),
    "house_price": N_("Price of homes, mean of the year"),
    "household_size": N_("People per household"),
    "loan_balance": N_("Loans of banks, end of the year"),
    "migrants_other_province": N_("Residents registered in another province"),
    "migrants_same_province": N_("Residents registered elsewhere in the province"),
    "province_invention_patents_granted": N_("Invention patents granted in the province"),
    "province_research_intensity": N_("Research and development per GDP of the province"),
    "province_tertiary_educated": N_("Tertiary-educated people of the province"),
    "registered_population": N_("Registered (hukou) population"),
    "residents": N_("Residents, end of the year"),
    "share_administration": N_("Share of the employed in public administration"),
    "share_business_services": N_("Share of the employed in business services"),
    "share_clerks": N_("Share of the employed who are clerks"),
    "share_education": N_("Share of the employed in education"),
    "share_farmers": N_("Share of the employed who farm"),
    "share_finance": N_("Share of the employed in finance"),
    "share_health": N_("Share of the employed in health and social work"),
    "share_information": N_("Share of the employed in information services"),
    "share_leaders": N_("Share of the employed who head offices, firms or institutions"),
    "share_manufacturing": N_("Share of the employed in manufacturing"),
    "share_production_workers": N_("Share of the employed in production and transport by occupation"),
    "share_professional_occupations": N_("Share of the employed in professional and technical occupations"),
    "share_science": N_("Share of the employed in scientific research and technical services"),
    "share_service_workers": N_("Share of the employed in trade and services by occupation"),
    "tertiary_educated": N_("People with a junior-college degree or more"),
}
CENSUS_EVERY = 10
"""Years between two censuses, held in years that end with 0."""


def city_starter(path: Path, mapping: Mapped, start: int, lang: str = "en") -> str:
    """Return the text of a city file whose figures are still to be filled in.

    Parameters
    ----------
    path : where it will be
    mapping : the figures that a city may hold, and what the model does with them
    start : first year of a forecast
    """
    gap, name = PLACEHOLDERS[lang], quoted(path.stem.replace("_", " "))
    needed, optional, unused = _sorted_by_use(mapping.content)
    lines = [
        schema_line("city"),
        *commented(
            tell(CITY, lang, name=path.stem),
            tell(CITY_TODO, lang, placeholder=gap, file=path),
            tell(CITY_YEARS, lang, start=start),
            tell(CITY_MORE, lang),
            tell('Lines that begin with # are not read: remove "# " from the figures that you have.', lang),
        ),
        f"name: {{en: {name}, zh: {name}}}",
        f"province: {{en: {gap}, zh: {gap}}}",
        f"region: {{en: {gap}, zh: {gap}}}",
        "figures:",
    ]
    for heading, figures, mark in (
        (N_("Needed"), needed, ""), (OPTIONAL, optional, "# "), (UNUSED, unused, "# "),
    ):  # fmt: skip
        lines.append(f"  # ---- {tell(heading, lang)} ----")
        for figure in figures:
            lines += _figure(figure, mark, mapping.content, start, lang)
    return "\n".join(lines) + "\n"


def _sorted_by_use(content: CityFigures) -> tuple[list[str], list[str], list[str]]:
    """Return the figures that the model cannot do without, those it can, and those it does not use."""
    rules = [(rule, (*rule.figure, *rule.divisors)) for rule in content.constants.values()]
    needed = {name for rule, names in rules if rule.default is None for name in names}
    used = {name for _, names in rules for name in names}
    kinds = list(content.figures)
    return (
        [name for name in kinds if name in needed],
        [name for name in kinds if name in used - needed],
        [name for name in kinds if name not in used],
    )


def _figure(name: str, mark: str, content: CityFigures, start: int, lang: str) -> Iterator[str]:
    """Write one figure: what it is, unit, years, where from, and the line to fill in."""
    kind, gap = content.figures[name], PLACEHOLDERS[lang]
    rules = [rule for rule in content.constants.values() if name in (*rule.figure, *rule.divisors)]
    counted = kind.census or kind.ages or kind.structure or (kind.province or "").startswith("census")
    year = start - start % CENSUS_EVERY if counted else start
    oldest = max((start - rule.max_age for rule in rules), default=start)
    key = WANTED_LATEST if rules else N_("{figure}. Unit: {unit}. Wanted: {year}.")
    unit = unit_label(kind.unit, lang) or tell("share (5 % is 0.05)", lang)
    title = tell(FIGURES[name], lang)
    yield f"  # {tell(key, lang, figure=title, unit=unit, year=year, first=oldest, start=start)}"
    yield f"  # {_found_in(name, kind, year, lang)}"
    if mark and rules:
        yield f"  # {_stands_in(rules[0], lang)}"
    yield f"  {mark}{name}: {{unit: {quoted(kind.unit)}, source: {gap}, values: {{{year}: {gap}}}}}"


def _found_in(name: str, kind: FigureKind, year: int, lang: str) -> str:
    """Say where such a figure is published."""
    if kind.province:
        place = FROM_PROVINCE
    elif kind.census or kind.ages or kind.structure:
        place = FROM_LONG_FORM if kind.structure or name.startswith("share_") else FROM_CENSUS
    else:
        place = FROM_MARKET if name == "house_price" else FROM_YEARBOOK
    return tell(place, lang, year=year)


def _stands_in(rule: FigureToConstant, lang: str) -> str:
    """Say what the model takes where the figure is missing."""
    default = rule.default
    if default is None or default.value is None:
        return tell("If left out, an assumption from the nation's figures stands in.", lang)
    low, high = default.range or (default.value, default.value)
    return tell(FALLBACK_VALUE, lang, value=f"{default.value:g}", low=f"{low:g}", high=f"{high:g}")
