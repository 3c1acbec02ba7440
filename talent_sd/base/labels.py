"""What the model's variables, tiers, policies and sectors are called, in each language.

The shipped labels (`models/labels.yaml`) name the shipped model. A user's own model
needs no labels file: a name without a label stands for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from talent_sd.base.cache import content_key, load_cached, save_cached
from talent_sd.base.files import shipped_folder

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

    def variable(self, name: str, lang: str) -> str:
        """Label of a variable, or the name itself.

        >>> Labels({"Residents": {"en": "Residents", "zh": "常住人口"}}).variable("Residents", "zh")
        '常住人口'
        >>> Labels().variable("Teacup Temperature", "zh")
        'Teacup Temperature'
        """
        return self.variables.get(name, {}).get(lang, name)

    def element(self, name: str, lang: str) -> str:
        """Label of a subscript's element (a tier, a policy, a loop), or the name itself."""
        return self.elements.get(name, {}).get(lang, name.replace("_", " "))


@cache
def shipped_labels() -> Labels:
    """Read `models/labels.yaml`.

    Raises
    ------
    FileNotFoundError
        If the installation lacks it.
    """
    raw = _read(shipped_folder("models") / "labels.yaml")
    sectors = tuple(
        Sector(name, {"en": entry["en"], "zh": entry["zh"]}, tuple(tuple(panel) for panel in entry["plots"]))
        for name, entry in raw["sectors"].items()
    )
    elements: dict[str, Text] = {}
    for part in ("tiers", "ages", "industries", "services", "stretches", "policies", "loops"):
        elements.update(raw.get(part, {}))
    lower = frozenset(raw.get("lower_is_better", ()))
    return Labels(raw["variables"], elements, sectors, tuple(raw["headline"]), lower)


def _read(path: Path) -> dict[str, Any]:
    """Return a YAML file's content, from the cache where it is known: parsing it takes longer than a run."""
    content = path.read_bytes()
    key = content_key(path, content)
    found = load_cached("labels", key)
    if isinstance(found, dict):
        return found
    from ruamel.yaml import YAML

    raw: dict[str, Any] = YAML(typ="safe", pure=True).load(content.decode("utf-8"))
    save_cached("labels", key, raw)
    return raw
