"""Put the page together: both languages in one file, nothing fetched, nothing of the user's obeyed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from talent_sd.base.dims import CITY, DRAW, TIME
from talent_sd.base.language import LANGUAGES, N_
from talent_sd.forecast.compare import RELATIVE
from talent_sd.output.city_tables import ToldGaps
from talent_sd.output.evidence_tables import in_language
from talent_sd.output.figures.plot_comparison import by_change
from talent_sd.output.headline_outputs import TOTAL, headline_outputs
from talent_sd.output.report.headlines import cards, output_sentences
from talent_sd.output.report.html_pieces import Table, font_faces, plain_table
from talent_sd.output.report.inputs_section import facts_table, mix_table, reasons_table, settings_table
from talent_sd.output.report.material import CitiesMaterial, Material
from talent_sd.output.report.outputs_section import (
    cities_sentences,
    city_part,
    elements_part,
    key_entries,
    output_part,
)
from talent_sd.output.report.policies_section import draws_among, policy_parts
from talent_sd.output.report.trust_section import (
    city_trust,
    files_table,
    provenance_table,
    trust,
)
from talent_sd.output.speech import Speech, city_name, sentences

if TYPE_CHECKING:
    from jinja2 import Environment


SECTIONS = {
    "short": N_("In short"),
    "asked": N_("What was asked"),
    "changes": N_("What would change"),
    "policies": N_("What each policy adds and costs"),
    "settings": N_("What differs from the baseline"),
    "sources": N_("Assumptions and sources"),
    "trust": N_("How far to trust it"),
    "repeat": N_("How to repeat it"),
}
TEMPLATES = Path(__file__).parent / "templates"


def write_report(path: str | Path, material: Material | CitiesMaterial) -> None:
    """Write a report as one HTML file that needs nothing else.

    Parameters
    ----------
    path : of the file
    material : what it tells, of one city or of several
    """
    Path(path).write_text(render_report(material), encoding="utf-8", newline="\n")


def render_report(material: Material | CitiesMaterial) -> str:
    """Return the report's HTML, the material's language shown first."""
    from markupsafe import Markup

    editions = {lang: edition(material, lang) for lang in LANGUAGES}
    first = editions[material.first.lang]
    body = environment().get_template("body.html.j2").render(editions=editions.values(), first=first)
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    style = f"{font_faces(body)}\n{(TEMPLATES / 'report.css').read_text(encoding='utf-8')}"
    page = environment().get_template("page.html.j2")
    # the body is escaped where it was made; script and style hold nothing of the user's
    return page.render(
        first=first,
        body=Markup(body),  # noqa: S704
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        style_hash=digest(style),
        script_hash=digest(script),
    )


def digest(text: str) -> str:
    """Return what a Content-Security-Policy knows an inline text by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


@cache
def environment() -> Environment:
    """Return what renders the templates, every text escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def edition(material: Material | CitiesMaterial, lang: str) -> SimpleNamespace:
    """Make the page's content in a language: what the template asks for, under its names there."""
    first = material.first
    say = Speech(lang, first.labels)
    if isinstance(material, CitiesMaterial):
        order = by_change(material.change[TOTAL + RELATIVE].isel({TIME: -1}))
        names = {city: str(material.change[f"{CITY}_{lang}"].sel({CITY: city}).item()) for city in order}
        cities = [(names[city], material.cities[city]) for city in order]
        own = _side_by_side(material, names, say)
    else:
        cities, own = [(say("This city"), material)], _one_city(material, say)
    titles, years = first.titles(lang), first.spread[TIME].values
    facts = [facts_table(one.resolved[one.baseline], say) for _, one in cities]
    if own["many_cities"]:
        facts = [
            replace(table, caption=f"{table.caption}{say(': ')}{name}")
            for (name, _), table in zip(cities, facts, strict=True)
        ]
    subtitle = say(
        "{names}: what would differ from “{baseline}”, {first} to {last}",
        names=say(", ").join(titles[name] for name in first.compared),
        baseline=titles[first.baseline],
        first=f"{first.spread.attrs.get('forecast_from', years[0]):g}",
        last=f"{years[-1]:g}",
    )
    return SimpleNamespace(
        lang=lang,
        say=say,
        subtitle=subtitle,
        titles=titles,
        sections={k: text for k, text in SECTIONS.items() if k != "policies" or first.policies is not None},
        baseline=titles[first.baseline],
        draws=int(first.spread.attrs.get("draws", first.spread.sizes[DRAW])),
        notices=list(dict.fromkeys(text for one in material.every for text in one.notices.get(lang, ()))),
        seed=first.spread.attrs.get("seed", "–"),
        gaps=[gaps_rows(told, lang) for one in material.every if (told := one.gaps.get(lang))],
        scenarios={name: first.resolved[name].scenario for name in first.names},
        mix=mix_table(first, say),
        settings=settings_table(first, say),
        reasons=reasons_table(first, say),
        facts=facts,
        trust=trust(first, say),
        in_language=in_language,
        none=say(N_("none", "count")),
        city_trust=[found for name, one in cities if (found := city_trust(one, say, name))],
        provenance=provenance_table(first, say),
        files=files_table({name: sha for one in material.every for name, sha in one.files.items()}, say),
        command=first.command,
        **own,
    )


def gaps_rows(told: ToldGaps, lang: str) -> Table:
    """Return the table of what stands in for missing figures."""
    table = plain_table(told.title, told.headings, told.cells(lang), texts=(0, 1))
    return replace(table, note=sentences(lang, *told.notes))


def _one_city(material: Material, say: Speech) -> dict[str, Any]:
    """Return what is told of one city alone: headlines, paths, what each policy does."""
    outputs = material.outputs
    apart: dict[str, list[Any]] = {}
    for one in outputs:
        if one.chosen:
            apart.setdefault(one.name, []).append(one)
    return {
        "many_cities": False,
        "title": say("{city}: policies compared", city=city_name(material.spread, say.lang)),
        "cards": cards(outputs, material, say),
        "key": list(key_entries(material, say).values()),
        "totals": [
            output_part(one, material, say, output_sentences(one, material, say))
            for one in outputs
            if not one.chosen
        ],
        "elements": [elements_part(own, material, say) for own in apart.values()],
        "policies": policy_parts(material, say),
        "effects": material.policies,
        "among": draws_among(material.policies) if material.policies is not None else 0,
    }


def _side_by_side(material: CitiesMaterial, names: Mapping[str, str], say: Speech) -> dict[str, Any]:
    """Return what is told of several cities: each output, city by city."""
    first = material.first
    outputs = list(headline_outputs(material.change, say.labels))
    parts = {
        whole: [
            city_part(one, names, first, say, picture=whole)
            for one in outputs
            if whole is not bool(one.chosen)
        ]
        for whole in (True, False)
    }
    return {
        "many_cities": True,
        "title": say("{count} cities: policies compared", count=len(names)),
        "sentences": cities_sentences(next(one for one in outputs if one.name == TOTAL), names, first, say),
        "key": list(key_entries(first, say).values())[1:],
        "totals": parts[True],
        "elements": parts[False],
    }
