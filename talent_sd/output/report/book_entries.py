"""The reviewer's book, variable by variable: equation, meaning, unit, value, belief, and links to all that is told of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from talent_sd.base.dims import TIME
from talent_sd.base.language import N_
from talent_sd.engine.runner import model_constants
from talent_sd.inputs import list_cities
from talent_sd.laboratory.cases import AVERAGE
from talent_sd.model.names import name_key
from talent_sd.model.structure import KINDS, Variable
from talent_sd.model.syntax import references
from talent_sd.output.evidence_tables import sector_name
from talent_sd.output.report.html_pieces import SOURCE, chinese, city_title, obtained, quoted
from talent_sd.output.report.mathematics import Mathematics, anchor
from talent_sd.output.speech import Speech, digits
from talent_sd.output.validation_tables import place_name

if TYPE_CHECKING:
    import xarray as xr
    from markupsafe import Markup

    from talent_sd.engine.runner import Model
    from talent_sd.inputs import Resolved
    from talent_sd.loops.loop_names import NamedLoop
    from talent_sd.model.translate import Source
    from talent_sd.uncertainty.posterior import Posterior
    from talent_sd.uncertainty.priors import Prior

_SOURCE = re.compile(r"\s*\bSource: (.*)$")
_CITED = re.compile(r"\bE\d{2}\b")
SHAPES = {"triangular": N_("triangular"), "split triangular": N_("triangular, half on either side"),
          "normal": N_("normal, ends cut"), "uniform": N_("uniform"),
          "loguniform": N_("log-uniform")}  # fmt: skip
SHOWN = 6
"""Elements of a variable whose values are listed."""


def raw(text: str) -> Markup:
    """Return what was escaped where it was put together."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704


def year_or_years(value: float, significant: int = 4) -> str:
    """Write a year of the calendar without a comma at the thousand, a span of years as any number.

    >>> year_or_years(2031.0), year_or_years(3.25)
    ('2031', '3.250')
    """
    return f"{value:g}" if 1900 < value < 2200 else digits(value, significant)


@dataclass(frozen=True)
class Entry:
    """What the book tells of one variable: `title` and `label` are its two names, `facts` (what, told) pairs."""

    variable: Variable
    title: str
    label: str
    ident: str
    kind: str
    place: str
    meaning: Markup
    equations: list[Markup]
    facts: list[tuple[str, Markup]]


@dataclass(frozen=True)
class Chapters:
    """A model, what is known of it, and the links between all of it.

    Parameters
    ----------
    model, source : the model, and its trees
    say : words and names
    resolved : what a city's baseline runs on; None of a model that is not the city's
    run : dims (time, ...) of that run, every stock and auxiliary; of another model its own run, None if it has none
    priors, posterior : what is believed of constants before and after the fit
    loops : the named loops
    evidence : id -> the article's figure in a few words
    believed : fitted constant -> what was believed of it before the fit
    """

    model: Model
    source: Source
    say: Speech
    resolved: Resolved | None = None
    run: xr.Dataset | None = None
    priors: Mapping[str, Prior] = field(default_factory=dict)
    posterior: Posterior | None = None
    loops: tuple[NamedLoop, ...] = ()
    evidence: Mapping[str, str] = field(default_factory=dict)
    believed: Mapping[str, Prior] = field(default_factory=dict)

    def shown(self, name: str) -> str:
        """Return what a variable is called: as in the file, which is in English; in Chinese by its label."""
        return name if self.say.lang == "en" else self.say.variable(name)

    @property
    def gap(self) -> str:
        """Return what stands between two sentences."""
        return "" if self.say.lang == "zh" else " "

    def unit(self, unit: str) -> str:
        """Return a unit in words."""
        return self.say.unit_of(unit) or self.say("dimensionless")

    def city(self, name: str) -> str:
        """Return what a city is called; the nation's mean city among them."""
        return self.say("the average city") if name == AVERAGE else city_title(name)[self.say.lang]

    def place(self, name: str) -> str:
        """Return what a row of a law stands for: a city, or all of them together."""
        return self.city(name) if name in (AVERAGE, *list_cities()) else place_name(name, self.say.lang)

    # ---- links -------------------------------------------------------------------------------------

    def link(self, name: str) -> Markup:
        """Return a link to a variable, or to the variable of "name[element]"."""
        variable = self.model.structure.find(name.partition("[")[0])
        if variable is None:
            return raw(escape(name))
        element = name.partition("[")[2].rstrip("]")
        shown = self.shown(variable.name) + (f" [{self.say.element(element)}]" if element else "")
        return raw(f'<a href="#{escape(anchor(variable.name))}">{escape(shown)}</a>')

    def links(self, names: Iterable[str]) -> Markup:
        """Return links to several variables."""
        return raw(escape(self.say(", ")).join(map(self.link, names)))

    def cited(self, text: str) -> Markup:
        """Return a text, each figure of the article in it a link."""

        def one(match: re.Match[str]) -> str:
            known = match[0] in self.evidence
            return f'<a href="#e-{match[0]}">{match[0]}</a>' if known else match[0]

        return raw(_CITED.sub(one, escape(quoted(text, self.say.lang))))

    def loop_link(self, loop: NamedLoop) -> Markup:
        """Return a link to a loop."""
        return raw(
            f'<a href="#l-{escape(loop.name)}">{escape(loop.polarity)} {escape(loop.label[self.say.lang])}</a>'
        )

    @cached_property
    def sources(self) -> dict[str, list[str]]:
        """Return each source named in the model's file -> the variables that name it."""
        found: dict[str, list[str]] = {}
        for variable in self.model.structure.variables.values():
            if match := _SOURCE.search(self.docs[variable.name]):
                found.setdefault(match[1], []).append(variable.name)
        return found

    @cached_property
    def docs(self) -> dict[str, str]:
        """Return variable -> its text; in a linked page "the line above" is called by its name."""
        found, above = {}, ""
        for element in self.source.model.sections[0].elements:
            variable = self.model.structure[element.name]
            doc = variable.doc
            if self.say.lang == "zh":
                meaning, *source = doc.split(SOURCE, 1)
                source = [chinese().get(one, one) if "the line above" in one else one for one in source]
                doc = SOURCE.join([chinese().get(meaning, meaning), *source])
            for words in ("the line above", "上一行") if above else ():
                doc = doc.replace(words, f"“{above}”")
            found[variable.name] = doc
            above = self.shown(variable.name)
        return {**{name: one.doc for name, one in self.model.structure.variables.items()}, **found}

    @property
    def untranslated(self) -> int:
        """Return how many meanings and sources of the model's file have no Chinese yet."""
        docs = [one.doc for one in self.model.structure.variables.values()]
        return len({part for doc in docs for part in doc.split(SOURCE) if part} - set(chinese()))

    @cached_property
    def citing(self) -> dict[str, list[str]]:
        """Return figure of the article -> the variables whose text or prior names it."""
        found: dict[str, dict[str, None]] = {}
        texts = [(one.name, one.doc) for one in self.model.structure.variables.values()]
        texts += [(key.partition("[")[0], one.source) for one in self.priors.values() for key in one.elements]
        for name, text in texts:
            for ident in _CITED.findall(text):
                found.setdefault(ident, {})[name] = None
        return {ident: list(names) for ident, names in found.items()}

    @cached_property
    def readers(self) -> dict[str, list[str]]:
        """Return variable -> the variables whose equations read it."""
        found: dict[str, list[str]] = {}
        for variable in self.model.structure.variables.values():
            for cause in variable.depends_on:
                found.setdefault(cause, []).append(variable.name)
        return found

    @cached_property
    def naming(self) -> dict[str, list[str]]:
        """Return element of a range -> the variables whose equations name it on their right side."""
        found: dict[str, dict[str, None]] = {}
        for element in self.source.model.sections[0].elements:
            for component in element.components:
                for reference in references(component.ast):
                    for one in reference.subscripts.subscripts if reference.subscripts else ():
                        found.setdefault(name_key(one), {})[self.model.structure[element.name].name] = None
        return {name: list(names) for name, names in found.items()}

    @cached_property
    def loops_of(self) -> dict[str, list[NamedLoop]]:
        """Return variable -> the loops that pass it."""
        found: dict[str, list[NamedLoop]] = {}
        for loop in self.loops:
            for name in dict.fromkeys(name for route in loop.routes for name in route):
                found.setdefault(name, []).append(loop)
        return found

    @cached_property
    def constants(self) -> dict[str, dict[str, float]]:
        """Return constant -> element, "" without one -> value in the model's file."""
        found: dict[str, dict[str, float]] = {}
        for key, value in ({} if self.model.lacks else model_constants(self.model)).items():
            name, _, element = key.partition("[")
            found.setdefault(name, {})[element.rstrip("]")] = value
        return found

    # ---- entries -----------------------------------------------------------------------------------

    @cached_property
    def _writer(self) -> Mathematics:
        names = self.model.structure.variables
        return Mathematics({name_key(name): (name, self.shown(name)) for name in names}, self.say.element)

    @cached_property
    def macros(self) -> dict[str, list[Markup]]:
        """Return macro, with its parameters -> the equations in it."""
        return {
            f"{macro.name} ({', '.join(macro.params)})": [
                Mathematics({}).equation(element.name, part)
                for element in macro.elements
                for part in element.components
            ]
            for macro in self.source.model.sections[1:]
        }

    @cached_property
    def sectors(self) -> dict[str, list[Entry]]:
        """Return sector -> its variables in the file's order; one without a name is called ""."""
        structure = self.model.structure
        found: dict[str, list[Entry]] = {}
        for element in self.source.model.sections[0].elements:
            variable = structure[element.name]
            equations = [self._writer.equation(variable.name, part) for part in element.components]
            found.setdefault(variable.group, []).append(self._entry(variable, equations))
        return found

    def sector_title(self, sector: str) -> str:
        """Return what a sector is called."""
        return sector_name(sector, self.say.lang) if sector else self.say("Variables")

    def _entry(self, variable: Variable, equations: list[Markup]) -> Entry:
        meaning = _SOURCE.sub("", self.docs[variable.name])
        return Entry(
            variable,
            self.shown(variable.name),
            self.say.variable(variable.name) if self.say.lang == "en" else variable.name,
            anchor(variable.name),
            self.say(KINDS[variable.kind]),
            self.model.structure.place(variable.name),
            self.cited(meaning),
            equations,
            [(self.say(what), told) for what, told in self._facts(variable) if told],
        )

    def _facts(self, variable: Variable) -> Iterable[tuple[str, Markup]]:
        say, name = self.say, variable.name
        if name in self.constants:
            yield N_("Value in the file"), raw(escape(self._elements(self.constants[name])))
        low, high = ("" if end is None else f"{end:g}" for end in variable.limits)
        if low or high:
            yield N_("Limits"), raw(f"{low or '−∞'} … {high or '∞'}")
        yield N_("In this city"), self._of_city(name)
        yield N_("In the run"), self._in_run(name)
        fitted = self.posterior is not None and name in self.posterior.names
        for prior in (
            one for one in self.priors.values() if name in {key.partition("[")[0] for key in one.elements}
        ):
            yield (
                N_("Drawn only where no posterior is") if fitted else N_("Believed of it"),
                self._prior(prior),
            )
        if fitted:
            yield N_("Believed before the fit"), self._prior(self.believed[name])
            yield N_("After the fit"), raw(escape(self.after(name)))
        if match := _SOURCE.search(self.docs[name]):
            place = list(self.sources).index(match[1]) + 1
            yield (
                N_("Source"),
                raw(
                    f'{self.cited(match[1])} <a href="#s-{place}" title="{escape(say("all that name it"))}">↗</a>'
                ),
            )
        yield N_("Loops"), raw(escape(say(", ")).join(map(self.loop_link, self.loops_of.get(name, ()))))
        yield N_("Read by"), self.links(self.readers.get(name, ()))

    def _elements(self, values: Mapping[str, float]) -> str:
        return self.say("; ").join(
            f"{self.say.element(element)} {value:g}".strip() if element else f"{value:g}"
            for element, value in values.items()
        )

    def _of_city(self, name: str) -> Markup:
        """Return the values that a city's file or its national path sets, with their origin."""
        if self.resolved is None:
            return raw("")
        found = []
        for key, value in self.resolved.values.items():
            if key.partition("[")[0] != name:
                continue
            element = key.partition("[")[2].rstrip("]")
            number = f"{value.value:.6g}" if isinstance(value.value, float) else self.say("a series")
            shown = f"{self.say.element(element)} {number}".strip() if element else number
            found.append(
                f'{escape(shown)} <span class="code">{escape(str(value.origin))}</span> '
                + escape(obtained(value.origin.text, self.say.lang))
            )
        return raw("<br>".join(found))

    def _in_run(self, name: str) -> Markup:
        """Return the values at the start and at the end of the run."""
        if self.run is None or name not in self.run or TIME not in self.run[name].dims:
            return raw("")
        years = self.run[TIME].values
        told = (f"{years[place]:g}{self.say(': ')}{self.at(name, place)}" for place in (0, -1))
        return raw("<br>".join(map(escape, told)))

    def at(self, name: str, place: int) -> str:
        """Return a variable's values at one point of the run, element by element."""
        assert self.run is not None
        values = self.run[name].isel({TIME: place})
        flat = np.asarray(values.values, float).ravel()
        labels = (
            [self.say.element(str(one)) for one in values[values.dims[0]].values]
            if values.ndim == 1
            else [""] * len(flat)
        )
        number = digits if self.model.structure[name].unit != "year" else year_or_years
        told = [number(value, 4) for value in flat]
        most = max(told, key=told.count)
        many = len(told) > SHOWN and told.count(most) > 1
        shown = [f"{label} {one}".strip() for label, one in zip(labels, told, strict=True)
                 if not many or one != most]  # fmt: skip
        if many:
            shown.append(self.say(N_("all others {value}") if shown else N_("all {value}"), value=most))
        return self.say("; ").join(shown)

    def factor(self, key: str) -> bool:
        """Return whether what is drawn of a constant is a factor on all its elements."""
        prior = self.believed.get(key) or self.priors.get(key)
        return prior is not None and prior.factor

    def _prior(self, prior: Prior) -> Markup:
        kind = self.say(SHAPES[prior.distribution])
        if prior.factor:
            kind = f"{self.say('factor')}{self.say(', ')}{kind}"
        element = f"{prior.key}{self.say(': ')}" if "[" in prior.key else ""
        spread = "" if prior.sd is None else f", ± {prior.sd:g}"
        source = quoted(prior.source, self.say.lang)
        told = (
            f"{element}{kind}{self.say(', ')}{prior.low:g} … {prior.high:g}{spread}{self.say('. ')}{source}"
        )
        return raw(f'{self.cited(told)} <span class="code">{escape(prior.place)}</span>')

    def after(self, name: str) -> str:
        """Return a fitted constant's median and the middle 80 % of its draws."""
        assert self.posterior is not None
        column = self.posterior.values[:, self.posterior.names.index(name)]
        low, middle, high = np.quantile(column, (0.1, 0.5, 0.9))
        told = self.say(
            "median {middle}, 80 % of the draws {low} … {high}",
            middle=f"{middle:.4g}",
            low=f"{low:.4g}",
            high=f"{high:.4g}",
        )
        return (
            f"{self.say('factor')}{self.say(': ')}{told}"
            if self.posterior.factor[self.posterior.names.index(name)]
            else told
        )
