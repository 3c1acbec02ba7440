"""What the model's variables, tiers, policies and sectors are called, in each language.

The shipped labels (`models/labels.yaml`) name the shipped model. A user's own model
needs no labels file: a name without a label stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from talent_sd.base.cache import content_key, load_cached, save_cached
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import tell
from talent_sd.inputs.schema_problems import read_strict
from talent_sd.inputs.settings import split_key
from talent_sd.inputs.strict_yaml import read_text

Text = Mapping[str, str]


@dataclass(frozen=True)
class Sector:
    """One picture's worth of the model: panels, each a tuple of variables that share a unit."""

    name: str
    title: Text
    plots: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Labels:
    """Names in both languages, and what is plotted together."""

    variables: Mapping[str, Text] = field(default_factory=dict)
    elements: Mapping[str, Text] = field(default_factory=dict)
    sectors: tuple[Sector, ...] = ()
    headline: tuple[str, ...] = ()
    lower_is_better: frozenset[str] = frozenset()
    told_up_to: Mapping[str, float] = field(default_factory=dict)

    def variable(self, name: str, lang: str) -> str:
        """Label of a variable, or the name itself.

        >>> Labels({"Residents": {"en": "Residents", "zh": "常住人口"}}).variable("Residents", "zh")
        '常住人口'
        >>> Labels().variable("Teacup Temperature", "zh")
        'Teacup Temperature'
        """
        return self.variables.get(name, {}).get(lang, name)

    def name_of(self, given: str) -> str:
        """Return the variable, or the element, that a label in either language stands for; anything else as it is.

        What a label says in brackets may be left out, where no other label is that short.

        >>> Labels({"total talent": {"en": "Total talent", "zh": "人才总量"}}).name_of("人才总量")
        'total talent'
        >>> Labels({"value added": {"en": "GDP (nominal)", "zh": "地区生产总值（现价）"}}).name_of("gdp")
        'value added'
        """
        if given in self.variables or given in self.elements:
            return given
        return self._meant.get(given.strip().casefold(), given)

    @cached_property
    def _meant(self) -> dict[str, str]:
        """Label in small letters, whole or short of its brackets -> the first name that bears it."""
        named = [
            (label.casefold(), name)
            for part in (self.variables, self.elements) for name, text in part.items() for label in text.values()
        ][::-1]  # fmt: skip
        return {re.split(r"\s*[(（]", label)[0]: name for label, name in named} | dict(named)

    def key_of(self, given: str) -> str:
        """Return "name[element]" with names for labels, as `name_of` has them; so too a name alone.

        >>> Labels({"total talent": {"zh": "人才总量"}}, {"leading": {"zh": "领军人才"}}).key_of("人才总量[领军人才]")
        'total talent[leading]'
        """
        name, element = split_key(given)
        return self.name_of(name) + (f"[{self.name_of(element)}]" if element else "")

    def goal(self, goal: str, lang: str) -> str:
        """Return a search's goal in words: a variable, of a year or of all of them.

        >>> Labels({"total talent": {"zh": "人才总量"}}).goal("total talent@2030", "zh")
        '人才总量，2030年'
        """
        name, _, when = goal.partition("@")
        output = self.variable(self.name_of(name), lang)
        if not when:
            return output
        if when == "sum":
            return tell("{output}, all years", lang, output=output)
        return tell("{variable}, {year}", lang, variable=output, year=when)

    def element(self, name: str, lang: str) -> str:
        """Label of a subscript's element (a tier, a policy, a loop), or the name itself."""
        return self.elements.get(name, {}).get(lang, name.replace("_", " "))


def name_in(known: Callable[[str], object], given: str) -> str:
    """Return the name that a label in either language stands for, its element too, if that is `known`; else what was given.

    >>> known = {"total talent", "社保"}.__contains__
    >>> name_in(known, "人才总量"), name_in(known, "人才"), name_in(known, "社保")
    ('total talent', '人才', '社保')
    """
    if known(split_key(given)[0].strip()):
        return given
    meant = shipped_labels().key_of(given)
    return meant if known(split_key(meant)[0]) else given


def labels_to_json(path: Path) -> dict[str, Any]:
    """Return a labels file as JSON values.

    Raises
    ------
    InputError
        If it is not well formed.
    """
    from talent_sd.inputs.file_schemas import LabelsFile

    return dict(read_strict(path, LabelsFile).content.model_dump())


@cache
def shipped_labels() -> Labels:
    """Read `models/labels.yaml`.

    What was read once and found well formed is kept: reading it takes longer than a run.

    Raises
    ------
    InputError
        If the installation lacks it, or it is not well formed.
    """
    path = shipped_folder("models") / "labels.yaml"
    key = content_key(path, read_text(path).encode())
    raw = load_cached("labels", key)
    if not isinstance(raw, dict):
        raw = labels_to_json(path)
        save_cached("labels", key, raw)
    sectors = tuple(
        Sector(name, {"en": entry["en"], "zh": entry["zh"]}, tuple(map(tuple, entry["plots"])))
        for name, entry in raw.pop("sectors").items()
    )
    variables, headline = raw.pop("variables"), tuple(raw.pop("headline"))
    lower, most = frozenset(raw.pop("lower_is_better")), raw.pop("told_up_to")
    elements = {name: text for part in raw.values() for name, text in part.items()}
    return Labels(variables, elements, sectors, headline, lower, most)
