"""Put the page together: both languages in one file, nothing fetched, nothing of the user's obeyed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talent_sd.base.dims import TIME
from talent_sd.base.messages import LANGUAGES
from talent_sd.output.report.headlines import Card, cards, definition, output_sentences
from talent_sd.output.report.html_pieces import ElementsPart, KeyEntry, OutputPart, Table, font_faces
from talent_sd.output.report.inputs_section import (
    Asked,
    asked,
    facts_table,
    mix_table,
    reasons_table,
    settings_table,
)
from talent_sd.output.report.outputs_section import elements_part, key_entries, output_part, outputs_of
from talent_sd.output.report.policies_section import PolicyPart, policies_lead, policy_parts
from talent_sd.output.report.report_material import Material
from talent_sd.output.report.sentences import Speech
from talent_sd.output.report.trust_section import (
    CityTrust,
    Trust,
    city_trust,
    files_table,
    provenance_table,
    trust,
)
from talent_sd.output.titles import city_name, scenario_titles

if TYPE_CHECKING:
    from jinja2 import Environment

SECTIONS = ("short", "asked", "changes", "policies", "settings", "sources", "trust", "repeat")
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Edition:
    """The page in one language."""

    lang: str
    say: Speech
    title: str
    subtitle: str
    sections: list[str]
    cards: list[Card]
    definition: str
    caution: str
    notices: list[str]
    asked: list[Asked]
    mix: Table | None
    key: list[KeyEntry]
    totals: list[OutputPart]
    elements: list[ElementsPart]
    policies: list[PolicyPart]
    policies_lead: str
    settings: Table
    reasons: Table | None
    facts: list[Table]
    trust: Trust
    city_trust: list[CityTrust]
    provenance: Table
    files: list[Table]
    command: str
    many_cities: bool = False


def write_report(path: str | Path, material: Material) -> None:
    """Write a report as one HTML file that needs nothing else.

    Parameters
    ----------
    path : of the file
    material : what it tells
    """
    Path(path).write_text(render_report(material), encoding="utf-8", newline="\n")


def render_report(material: Material) -> str:
    """Return the report's HTML, the material's language shown first."""
    return render_page([edition(material, lang) for lang in LANGUAGES], material.lang)


def render_page(editions: Sequence[Any], lang: str) -> str:
    """Return the HTML of a page in several languages, one of them shown first."""
    from markupsafe import Markup

    first = next(one for one in editions if one.lang == lang)
    body = _environment().get_template("body.html.j2").render(editions=editions, first=first)
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    style = f"{font_faces(body)}\n{(TEMPLATES / 'report.css').read_text(encoding='utf-8')}"
    # the body is escaped where it was made; script and style hold nothing of the user's
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            first=first,
            body=Markup(body),  # noqa: S704
            style=Markup(style),  # noqa: S704
            script=Markup(script),  # noqa: S704
            style_hash=_digest(style),
            script_hash=_digest(script),
        )
    )


def _digest(text: str) -> str:
    """Return what a Content-Security-Policy knows an inline text by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment


def edition(material: Material, lang: str) -> Edition:
    """Make the page's content in a language."""
    say = Speech(lang)
    outputs = outputs_of(material)
    whole = [one for one in outputs if not one.element]
    figures = {one.figure.id: one.figure for one in material.findings}
    titles = scenario_titles(material.spread, lang)
    values: dict[str, Any] = {
        "title": say("title", city=city_name(material.spread, lang)),
        "sections": [name for name in SECTIONS if name != "policies" or material.policies is not None],
        "subtitle": _subtitle(material, say, titles),
        "cards": cards(outputs, material, say),
        "definition": definition(material, say),
        "caution": say("short.caution") if material.record else say("caveat.own_model"),
        "notices": list(material.notices.get(lang, ())),
        "asked": asked(material, say),
        "mix": mix_table(material, say),
        "key": key_entries(material, say),
        "totals": [output_part(one, material, say, output_sentences(one, material, say)) for one in whole],
        "elements": [
            elements_part([one for one in outputs if one.name == name and one.element], material, say)
            for name in dict.fromkeys(one.name for one in outputs if one.element)
        ],
        "policies": policy_parts(material, say),
        "policies_lead": policies_lead(material, say),
        "settings": settings_table(material, say),
        "reasons": reasons_table(material, figures, say),
        "facts": [facts_table(material, say)],
        "trust": trust(material, say),
        "city_trust": [own] if (own := city_trust(material, say, say("trust.city"))) else [],
        "provenance": provenance_table(material, say),
        "files": [table] if (table := files_table(material.files, say)) else [],
        "command": material.command,
    }
    return Edition(lang, say, **values)


def _subtitle(material: Material, say: Speech, titles: dict[str, str]) -> str:
    years = material.spread[TIME].values
    start = material.spread.attrs.get("forecast_from", years[0])
    names = say("listing").join(titles[name] for name in material.compared)
    return say(
        "subtitle", names=names, baseline=titles[material.baseline], first=f"{start:g}", last=f"{years[-1]:g}"
    )
