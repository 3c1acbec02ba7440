"""Put a page together: model, cities, draws, words and the built script in one HTML file that asks for nothing."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talent_sd.backtest.forecast_scores import read_track_record
from talent_sd.base.arguments import checked
from talent_sd.base.errors import InputError, Problems
from talent_sd.base.language import LANGUAGES, fixed, tell, translated
from talent_sd.base.output_folders import refuse_place, write_whole
from talent_sd.base.version import __version__
from talent_sd.engine.runner import load_model
from talent_sd.forecast.money import LEVEL, WISHED, sized
from talent_sd.forecast.prepare import KNOWN_UNTIL, Prepared, tell_reading
from talent_sd.inputs import list_cities, list_scenarios, resolve_scenario
from talent_sd.inputs.labels import shipped_labels
from talent_sd.inputs.shipped_names import shipped_name
from talent_sd.output.page import settings, variables
from talent_sd.output.page.cities import (
    CityPacker,
    Told,
    mix,
    national_names,
    own_constants,
    tell_city,
)
from talent_sd.output.page.modules import BUILT, page_modules, shown_variables
from talent_sd.output.page.pack import Pack
from talent_sd.output.page.page_words import GROUPS, WORDS
from talent_sd.output.report.html_pieces import font_faces
from talent_sd.output.speech import LEAST_STEPS, STEPS
from talent_sd.policies.policy_table import chosen_rate
from talent_sd.uncertainty.posterior import read_posterior

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model
    from talent_sd.inputs import Resolved
    from talent_sd.inputs.readings import Reading

FEWEST, DRAWS, MOST = 10, 200, 1000
"""Draws of a page: a browser moves them while a slider moves."""
AVERAGE = "average"
"""A shipped city that is none: left out where all are asked for."""
SHOWN_FIRST, CITY_FIRST = "three_dimensional", "hefei"
"""The plan and the city that are shown first, unless told otherwise."""


@dataclass(frozen=True, repr=False)
class Page:
    """The city in the browser: save it, or show it in a notebook."""

    html: str

    def save(self, path: str | Path) -> None:
        """Write the page as one HTML file that needs nothing else; NotWritten if it cannot be, InputError over another file."""
        refuse_place(Path(path), ending=".html")
        write_whole(Path(path), self.html.encode())

    def __repr__(self) -> str:
        """Return the size."""
        return f"<Page: {fixed(len(self.html.encode()) / 1e6, 1)} MB; .save(path) writes it>"

    def _repr_html_(self) -> str:
        """Return a frame of its own, which may run scripts and give files, and nothing else of the notebook's."""
        title = html.escape(tell("Talent plan"))
        return (
            f'<iframe title="{title}" sandbox="allow-scripts allow-downloads allow-modals" width="100%" height="760" '
            f'style="border:1px solid #d9d9d9" srcdoc="{html.escape(self.html)}"></iframe>'
        )


@checked
def page(
    scenarios: str | Path | Sequence[str | Path] = (),
    city: str | Path | Sequence[str | Path] | None = None,
    *,
    lang: str = "en",
    reading: str | Path | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Page:
    """Make the page in which a planner moves the city by hand.

    Parameters
    ----------
    scenarios : a shipped name or a path, or several: presets besides those that ship
    city : a shipped name or a path, or several; by default all that ship
    lang : language shown first, "en" or "zh"; the page has both
    reading : assumptions under the scenarios' own, as in `simulate`; each preset carries them
    draws, seed : as in `ensemble`, and with its numbers: those of a comparison to stand beside it; 10 to 1,000

    Raises
    ------
    InputError
        With every problem of every file at once.
    UnsupportedError
        If the model is not the shipped one and no linker is here.

    Examples
    --------
    >>> import talent_sd as ts
    >>> ts.page("three_dimensional", city="hefei")  # doctest: +SKIP
    <Page: 1.2 MB; .save(path) writes it>
    """
    if lang not in LANGUAGES:
        raise InputError(
            "no language '{lang}': choose one of {names}.", lang=lang, names=", ".join(LANGUAGES)
        )
    if not FEWEST <= draws <= MOST:
        raise InputError(
            "draws is {draws}. A page takes {low} to {high:,}.", draws=draws, low=FEWEST, high=MOST
        )
    given = [scenarios] if isinstance(scenarios, (str, Path)) else list(scenarios)
    cities = [city] if isinstance(city, (str, Path)) else city
    return Page(page_html(given, cities, lang, reading, draws, seed))


def page_html(
    scenarios: Sequence[str | Path] = (),
    cities: Sequence[str | Path] | None = None,
    lang: str = "en",
    reading: str | Path | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> str:
    """Return the page: the model itself, to be moved by hand in a browser.

    Parameters
    ----------
    scenarios : presets besides those that ship; shipped names or paths. The first is shown first
    cities : shipped names or paths; None: all that ship. The first is shown first
    lang : language shown first; the page has both
    reading : assumptions under the scenarios' own
    draws, seed : as in `ensemble`, and with its numbers

    Raises
    ------
    InputError
        With every problem of every file at once.
    UnsupportedError
        If the model is not the shipped one and no linker is here.
    """
    model = load_model()
    shipped = sorted((name for name in list_cities() if name != AVERAGE), key=lambda name: name != CITY_FIRST)
    names = shipped if cities is None else list(cities)
    if not names:
        raise InputError(tell("no city was given: name at least one."))
    places = [shipped_name(name, "city") for name in names]
    header, pack = _content(model, scenarios, places, reading, draws, seed)
    header["first"] = {
        "lang": lang,
        "city": next(iter(header["cities"])),
        "scenario": _first(scenarios, header, own=cities is not None),
    }
    texts = json.dumps(header["words"], ensure_ascii=False) + json.dumps(header, ensure_ascii=False)
    return _html(pack.text(header), texts, lang)


def _first(scenarios: Sequence[str | Path], header: Mapping[str, Any], *, own: bool) -> str:
    """Return the preset shown first: of a city that was asked for, no policy, for none was."""
    if scenarios:
        return Path(str(scenarios[0])).stem
    shipped = {one["name"]: len(one["values"]) for one in header["presets"]}
    if own and (bare := next((name for name, count in shipped.items() if not count), None)):
        return bare
    return SHOWN_FIRST if SHOWN_FIRST in shipped else max(shipped, key=lambda name: shipped[name])


def _resolved(
    model: Model, scenarios: Sequence[str | Path], city: str | Path, reading: str | Path | None
) -> list[Resolved]:
    """Return all presets: those given, then those that ship."""
    problems = Problems()
    found: dict[str, Resolved] = {}
    for name in (*(shipped_name(name, "scenario") for name in scenarios), *list_scenarios()):
        with problems.gathered():
            one = sized(model, resolve_scenario(name, city, model.structure, reading=reading))
            found.setdefault(one.scenario.name, one)
    problems.refuse()
    return list(found.values())


def _elsewhere(
    model: Model, scenarios: Sequence[str | Path], cities: Sequence[str | Path], reading: str | Path | None
) -> dict[str, dict[str, dict[int, float]]]:
    """Return scenario -> city -> what it sets there, of scenarios whose sizes in yuan differ by city."""
    problems = Problems()
    found: dict[str, dict[str, dict[int, float]]] = {}
    for name in scenarios:
        for city in cities:
            with problems.gathered():
                one = resolve_scenario(shipped_name(name, "scenario"), city, model.structure, reading=reading)
                if not one.sizes:
                    break
                values = settings.preset(model, sized(model, one))["values"]
                found.setdefault(one.scenario.name, {})[one.city.name] = values
    problems.refuse()
    return found


def _content(
    model: Model,
    scenarios: Sequence[str | Path],
    cities: Sequence[str | Path],
    reading: str | Path | None,
    draws: int,
    seed: int,
) -> tuple[dict[str, Any], Pack]:
    """Return the header and the pack that it points into."""
    labels, pack = shipped_labels(), Pack()
    presets = _resolved(model, scenarios, cities[0], reading)
    elsewhere = _elsewhere(model, scenarios, cities[1:], reading)
    told = _told(model, cities, national_names(presets), draws, seed)
    first = next(iter(told.values()))
    packer = CityPacker(model, pack)
    towns = {name: packer.city(paths) for name, paths in told.items()}
    central, shown = next(iter(first.values())), shown_variables(model.structure)
    modules = page_modules(model, shown)
    compiled = {name: module.compiled() for name, module in modules.items()}
    request = model.request({}, {}, shown[:1], times=Prepared(model, {"": central.resolved}).years)
    whole = [v.name for v in model.structure.variables.values() if v.kind in ("stock", "auxiliary")]
    settable = settings.assumptions(model, labels)
    header: dict[str, Any] = {
        "version": __version__,
        "model": {"name": model.path.name, "sha256": model.structure.sha256},
        "posterior": _posterior(),
        "draws": draws, "seed": seed, "known_until": KNOWN_UNTIL,
        "times": pack.doubles(request.times), "step": request.time_step, "save": request.save.tolist(),
        "years": request.times[request.save].tolist(), "middles": central.middles.tolist(),
        "modules": {name: {"code": pack.bytes(code), "facts": facts} for name, (code, facts) in compiled.items()},
        "varying": list(modules["fan"].varying), "series": list(modules["fan"].series),
        "probed": {"inputs": list(modules["probe"].varying), "of": list(modules["probe"].of)},
        "constants": pack.doubles(own_constants(model.program)),
        "told_slots": list(modules["whole"].outputs),
        "saved": {
            "fan": variables.saved(model, modules["fan"], shown),
            "whole": variables.saved(model, modules["whole"], whole),
        },
        "slots": variables.slots(model), "variables": variables.variables(model, labels),
        "elements": {name: dict(text) for name, text in labels.elements.items()},
        "subscripts": {dim: list(elements) for dim, elements in model.structure.subscripts.items()},
        "units": variables.units(model), "least_steps": LEAST_STEPS, "steps": STEPS,
        "headline": [name for name in labels.headline if name in shown],
        "sectors": variables.sectors(labels, shown),
        "roles": {role: name for role, name in variables.ROLES.items() if name in shown},
        "policies": settings.policies(model, labels), "groups": _groups(model), "shocks": settings.shocks(model, labels),
        "budget": settings.budget(model), "loops": settings.loops(model, labels), "assumptions": settable,
        "readings": settings.readings(model),
        "presets": [
            settings.preset(model, one) | {"in_cities": elsewhere.get(one.scenario.name, {})} for one in presets
        ],
        "nations": {name: dict(one.resolved.national.title) for name, one in first.items()},
        "tables": {name: _tables(pack, one) for name, one in first.items()},
        "sizing": {"wished": WISHED, "level": LEVEL, "prices": variables.ROLES["prices"]},
        "money": {"rate": chosen_rate(None), "base": KNOWN_UNTIL},
        "mix": mix(first), "cities": towns, "shared": packer.shared(), "tested": variables.tested(_record()),
        "city_records": _city_records(list(told)), "caveats": _caveats(presets[0].reading),
        "words": {lang: {key: translated(text, lang) for key, text in WORDS.items()} for lang in LANGUAGES},
    }  # fmt: skip
    return header, pack


def _told(
    model: Model, cities: Sequence[str | Path], nations: Mapping[str, str | Path], draws: int, seed: int
) -> dict[str, dict[str, Told]]:
    problems = Problems()
    found: dict[str, dict[str, Told]] = {}
    for city in cities:
        with problems.gathered():
            paths = {
                name: tell_city(model, city, national, draws, seed) for name, national in nations.items()
            }
            found[next(iter(paths.values())).resolved.city.name] = paths
    problems.refuse()
    return found


def _tables(pack: Pack, told: Told) -> dict[str, Any]:
    data, index = told.tables
    return {"data": pack.doubles(data), "index": index.reshape(-1).tolist()}


def _groups(model: Model) -> list[dict[str, Any]]:
    """Return the groups in which policies are offered; what is in none comes last."""
    known = list(model.structure.subscripts.get("policy", ()))
    found = [{"word": word, "policies": [p for p in known if p in names]} for word, names in GROUPS.items()]
    grouped = {policy for group in found for policy in group["policies"]}
    rest = [policy for policy in known if policy not in grouped]
    return [*found, *([{"word": "group_other", "policies": rest}] if rest else [])]


def _posterior() -> str:
    return read_posterior().sha256


def _record() -> Any:
    """Return the back-test of the shipped draws; None where there is none."""
    record = read_track_record()
    return record if record.posterior_sha256 == _posterior() else None


def _city_records(cities: Sequence[str]) -> dict[str, Any]:
    """Return city -> variable -> what its forecast from 2010 missed 2020 by, in logs."""
    record = _record()
    own = record.cities if record else {}
    return {name: variables.by_variable(own[name].errors) for name in cities if name in own}


def _caveats(reading: Reading | None) -> list[dict[str, str]]:
    """Return what to keep in mind, that all is in a reading first."""
    record = _record()
    told = {lang: tell_reading(reading, lang) for lang in LANGUAGES} if reading else None
    return [*([told] if told else []), *(record.caveats if record else [])]


def _html(payload: str, texts: str, lang: str) -> str:
    script = (BUILT / "page.js").read_text("utf-8")
    style = font_faces(texts) + "\n" + (BUILT / "page.css").read_text("utf-8")
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}' 'wasm-unsafe-eval'; style-src '{_digest(style)}'; "
        "worker-src blob:; font-src data:; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    title = tell("Talent plan", lang)
    language = {"zh": "zh-Hans"}.get(lang, lang)
    return f"""<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="talent_sd {__version__}">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<div id="app"></div>
<script type="text/plain" id="licences">{(BUILT / "LICENCES.txt").read_text("utf-8")}</script>
<script type="text/plain" id="content">{payload}</script>
<script>{script}</script>
</body>
</html>
"""


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
