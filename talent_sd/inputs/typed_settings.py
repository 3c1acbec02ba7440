"""Settings that stand in no file: typed with a command, or given in Python; and scenarios given as mappings."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from talent_sd.base.errors import InputError, Problems
from talent_sd.base.language import N_, tell
from talent_sd.inputs.file_kinds import by_model_names
from talent_sd.inputs.labels import name_in, shipped_labels
from talent_sd.inputs.scenario_chain import TYPED, Scenario, laid_over_file, load_scenario
from talent_sd.inputs.schema_problems import StrictFile, validate
from talent_sd.inputs.setting_checks import POLICY
from talent_sd.inputs.settings import ModelStructure, split_key, without_commas
from talent_sd.inputs.strict_yaml import parse_yaml

SAID = "overrides"
"""What messages call the place of settings given in Python."""


LARGE = 1e4
"""Numbers from here on are told in full, with commas."""
NO_FILE = N_("{name}: holds what no file could: give numbers, texts and mappings of them.")
TWICE = N_("{option}: '{name}' is given twice. Give it once.")


class Typed(dict[str, Any]):
    """Settings typed with a command, as `overridden` takes them: messages name the option of each."""

    def __init__(self, settings: Sequence[str] | None, policies: Sequence[str] | None) -> None:
        """Read what `--set` and `--policy` gave; InputError with every text that is none of these."""
        problems = Problems()
        self.options: dict[str, str] = {}
        for option, read, texts in (
            ("--set", read_settings, settings),
            ("--policy", read_policies, policies),
        ):
            with problems.gathered():
                found = read(texts or [])
                for name in self.keys() & found:
                    problems.say(TWICE, option=f"{self.options[name]}, {option}", name=name)
                self |= found
                self.options |= dict.fromkeys(found, option)
        problems.refuse()


def read_settings(settings: Sequence[str]) -> dict[str, float]:
    """Return name -> number of texts that read "name=number" or "name[element]=number".

    Raises
    ------
    InputError
        With every text that does not.

    >>> read_settings(["birth rate=0.03", "start[a] = 1e3"])
    {'birth rate': 0.03, 'start[a]': 1000.0}
    """
    found: dict[str, float] = {}
    problems = Problems()
    for text in settings:
        name, equals, number = text.rpartition("=")
        value = _number(number)
        if equals and name.strip() and (written := without_commas(number.strip())):
            problems.say(
                "--set '{text}': commas do not belong in a number. Write {written}.",
                text=text,
                written=written,
            )
        elif not equals or not name.strip() or not isinstance(value, float):
            problems.say("--set '{text}' is no setting. Write --set \"name=number\".", text=text)
        elif name.strip() in found:
            problems.say(TWICE, option="--set", name=name.strip())
        else:
            found[name.strip()] = value
    problems.refuse()
    return found


def read_policies(policies: Sequence[str]) -> dict[str, Any]:
    """Return policy -> "on", "off" or its settings, of texts such as "cash_subsidy=from:2026,intensity:20000".

    Raises
    ------
    InputError
        With every text that is none.

    >>> read_policies(["cash_subsidy=from:2026,intensity:20000", "open_labs", "culture_ip=off"])
    {'cash_subsidy': {'from': 2026.0, 'intensity': 20000.0}, 'open_labs': 'on', 'culture_ip': 'off'}
    """
    found: dict[str, Any] = {}
    problems = Problems()
    for text in policies:
        name, equals, rest = text.partition("=")
        parts = [part.partition(":") for part in rest.split(",")]
        numbers = {key.strip(): _number(value) for key, _, value in parts}
        if name.strip() in found or len(numbers) < len(parts):
            problems.say(TWICE, option="--policy", name=name.strip())
        elif rest.strip() in ("on", "off") or not equals:
            found[name.strip()] = rest.strip() or "on"
        elif any(not key or not isinstance(value, float) for key, value in numbers.items()):
            problems.say(
                "--policy '{text}' is no policy's setting. Write --policy NAME=from:2026,until:2030,intensity:20000, or "
                "NAME=off.",
                text=text,
            )
        else:
            found[name.strip()] = numbers
    problems.refuse()
    return found


def _number(text: str) -> float | None:
    """Return the number that a text is, None of any other."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) and text.isascii() else None


def scenario_of(given: Mapping[str, Any]) -> Scenario:
    """Return a scenario given as a mapping of what its file would hold; it extends "baseline" by default.

    Raises
    ------
    InputError
        With every problem.
    """
    given = _texts(given, "scenario")
    title = given.get("title", "scenario")
    below = load_scenario(given.get("extends", "baseline"))
    own = {"title": title} | {key: value for key, value in given.items() if key != "extends"}
    made = laid_over_file(below, _as_file(own, "scenario"))
    name = str(title.get("en", "scenario") if isinstance(title, Mapping) else title)
    return replace(made, name=name, chain=below.chain, paths=below.paths)


def overridden(scenario: Scenario, overrides: Mapping[str, Any], structure: ModelStructure) -> Scenario:
    """Return a scenario with settings laid over it that stand in no file; its title says so.

    Parameters
    ----------
    overrides : constant, or "constant[element]", to a number, or a number by element; policy to "on", "off" or
        its settings, such as {"from": 2026, "intensity": 20000}; shock to {"at": 2027, "size": 0.2}. Names, or labels in either
        language

    Raises
    ------
    InputError
        If a value has a form that nothing takes; names and limits are checked when the scenario is resolved.
    """
    policies = tuple(structure.subscripts.get(POLICY, ()))
    options = overrides.options if isinstance(overrides, Typed) else {}
    files: dict[str, dict[str, dict[str, Any]]] = {}
    made, problems, laid = scenario, Problems(), dict[str, Any]()
    for given, value in overrides.items():
        name, said = _name_of(given, structure), options.get(given, SAID)
        parts = files.setdefault(said, {})
        if any(name in part for parts in files.values() for part in parts.values()):
            problems.say(TWICE, option=said, name=name)
            continue
        counts = isinstance(value, (int, float)) and abs(value) <= sys.float_info.max
        if name in policies and not (counts or isinstance(value, (str, Mapping))):
            value = type(value).__name__  # neither on nor off: told as in a file
        with problems.gathered():
            laid[given] = value = _texts(value, f"{said}: {given}")
        if given not in laid:
            continue
        if name in policies or (
            value in ("on", "off") if isinstance(value, str) else isinstance(value, bool)
        ):
            on = ("on" if value else "off") if isinstance(value, bool) else value
            parts.setdefault("policies", {})[name] = on
        elif isinstance(value, Mapping) and "at" in value:
            parts.setdefault("shocks", {})[name] = value
        else:
            parts.setdefault("assumptions", {})[name] = {"value": value, "why": said}
    problems.refuse()
    for said, parts in files.items():
        with problems.gathered():
            made = laid_over_file(made, _as_file({"title": "x", **parts}, said))
    problems.refuse()
    title = {
        lang: tell(", ", lang).join(
            [text, *(_in_words(given, value, structure, lang) for given, value in laid.items())]
        )
        for lang, text in scenario.title.items()
    }
    return replace(
        scenario, title=title, **{part: getattr(made, part) for part in ("policies", "assumptions", "shocks")}
    )


def _name_of(given: str, structure: ModelStructure) -> str:
    """Return the model's name of what was given by a label, its element too; what is no label stays."""
    known = {*structure.variables, *structure.subscripts.get(POLICY, ())}.__contains__
    name, element = split_key(given)
    return name_in(known, name) + (f"[{shipped_labels().name_of(element)}]" if element else "")


SETTINGS = {
    "at": N_("in {value}", "setting"), "from": N_("from {value}", "setting"), "until": N_("until {value}", "setting"),
    "intensity": N_("intensity {value}", "setting"), "size": N_("size {value}", "setting"),
    "ramp": N_("ramp of {value} years", "setting"),
}  # fmt: skip


def _in_words(given: str, value: Any, structure: ModelStructure, lang: str) -> str:
    """Tell a setting: a policy or a shock by its label with what is set of it, a constant as given, in Chinese by label."""
    labels, (name, element) = shipped_labels(), split_key(_name_of(given, structure))
    known = name in structure.subscripts.get(POLICY, ()) or (isinstance(value, Mapping) and "at" in value)
    if known:
        given = labels.element(name, lang)
    elif lang == "zh":
        given = labels.variable(name, lang) + (f"（{labels.element(element, lang)}）" if element else "")
    if not isinstance(value, Mapping):
        switch = {True: N_("on", "difference"), False: "off", "on": N_("on", "difference"), "off": "off"}
        text = (
            tell(switch[value], lang)
            if known and isinstance(value, (str, bool)) and value in switch
            else _told(value)
        )
        return f"{given} = {text}"
    told = (tell(SETTINGS.get(key, "{value}"), lang, value=_told(one)) for key, one in value.items())
    if not known or not SETTINGS.keys() >= value.keys():
        told = (f"{key} {_told(one)}" for key, one in value.items())
    return tell("{name} ({settings})", lang, name=given, settings=tell(", ", lang).join(told))


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_told(one)}" for key, one in value.items())
    if isinstance(value, (str, bool)):
        return str(value)
    return f"{value:,.12g}" if abs(value) >= LARGE else f"{value:g}"


def _as_file(content: Mapping[str, Any], name: str) -> StrictFile[Any]:
    """Return content as the file that would hold it, checked as one.

    Raises
    ------
    InputError
        With every problem.
    """
    from talent_sd.inputs.file_schemas import ScenarioFile

    try:
        text = json.dumps(_texts(content, name), ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        raise InputError(NO_FILE, name=name) from None
    try:
        tree = by_model_names(parse_yaml(text, name), name)
        return StrictFile(validate(ScenarioFile, tree, name), tree, name, TYPED)
    except InputError as error:
        raise InputError(
            [problem.replace(f"{name}:1: ", f"{name}: ") for problem in error.problems]
        ) from None


def _texts(value: Any, name: str) -> Any:
    """Return a value with whole numbers, arrays' numbers and paths as JSON has them; InputError of a number that is none."""
    if isinstance(value, Mapping):
        try:
            items = dict(value.items()).items()
        except Exception:  # noqa: BLE001 (another's code)
            raise InputError(NO_FILE, name=name) from None
        if not all(isinstance(key, (str, int, float, Path)) for key, _ in items):
            raise InputError(NO_FILE, name=name)
        return {str(key): _texts(one, f"{name}: {key}") for key, one in items}
    if isinstance(value, (list, tuple)):
        return [_texts(one, name) for one in value]
    if isinstance(value, (str, bool)) or not hasattr(value, "__float__"):
        return str(value) if isinstance(value, Path) else value
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not np.isfinite(number):
        raise InputError("{name} is no number that counts. Give one number.", name=name)
    return number


def scenarios_named(given: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, scenario) of whatever stands for scenarios: a name, a path, a mapping, or several of these."""
    several = [given] if isinstance(given, (str, Path, Mapping)) else list(given)
    for one in several:
        if isinstance(one, Mapping):
            made = scenario_of(one)
            yield made.name, made
        else:
            yield (Path(one).stem if Path(one).suffix in (".yaml", ".yml") else Path(one).name), one
