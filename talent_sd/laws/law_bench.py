"""The bench of the laws: all experiments of all cities and draws as members of a few runs.

Runs go on to the file's last year. The national path ends before: levels (persons, yuan, patents) go on at the
growth of their last year, rates and shares keep their last value, in every experiment alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.dims import SCENARIO
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import N_, tell
from talent_sd.engine.interventions import NEVER, WHEN, IntervenedModel, Intervention, Kind
from talent_sd.engine.lanes import side_by_side
from talent_sd.inputs.settings import loop_key, policy_key, split_key
from talent_sd.inputs.strict_yaml import read_yaml
from talent_sd.laws.law_files import BASELINE, Experiment, LawFile, Lever
from talent_sd.laws.law_formulas import Reading, combine, names_in
from talent_sd.laws.law_inputs import Places, extended

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.runner import Model

DRAWS_AT_ONCE = 10
"""Draws run together: bounds the memory of a pass."""
REINFORCING = "reinforcing"
NOTHING = Experiment(against=BASELINE, at=None)


class Missing(Exception):
    """Something that the model lacks, in words."""


@dataclass(frozen=True)
class Found:
    """What one pass found.

    Parameters
    ----------
    values : (experiment, city) -> variable -> (draws, times, elements)
    times : (times,)
    """

    values: Mapping[tuple[str, str], Mapping[str, np.ndarray]]
    times: np.ndarray


@dataclass
class Bench:
    """Runs the experiments of a file of laws.

    Parameters
    ----------
    model : as `load_model` gives it
    file : the laws
    engine : "auto", "kernel" or "arrays"
    kept : what findings share
    """

    model: Model
    file: LawFile
    engine: str = "auto"
    kept: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def places(self) -> Places:
        """Return where runs get their inputs from."""
        return Places(self.model)

    @cached_property
    def bench_model(self) -> IntervenedModel:
        """Return the model with every intervention that some lever needs and that it allows."""
        wanted = [one for lever in self.file.content.levers.values() for one, _ in interventions(lever)]
        return IntervenedModel(self.model, [one for one in wanted if not self._lack(one)])

    # -- what the model lacks ----------------------------------------------------------------------

    def _lack(self, one: Intervention) -> str:
        """Return what an intervention lacks, "" if nothing."""
        structure = self.model.structure
        for name in filter(None, (one.variable, one.of)):
            if structure.find(name) is None:
                return name
        kind = structure[one.variable].kind
        return one.variable if (kind == "stock") != (one.kind == "kick") or kind == "lookup" else ""

    def needs(self, quantity: str) -> set[str]:
        """Return the variables that a quantity reads.

        Raises
        ------
        Missing
            If the model has no such variable, or element.
        """
        content = self.file.content.quantities[quantity]
        if content.formula:
            return set().union(*(self.needs(name) for name in names_in(content.formula)))
        found = set()
        for key in content.of:
            name, element = split_key(key)
            variable = self.model.structure.find(name)
            elements = () if variable is None else [e for d in variable.dims for e in self._elements(d)]
            if variable is None or (element and element not in elements):
                raise Missing(tell("the model has no '{name}' ({handle})", name=key, handle=quantity))
            found.add(variable.name)
        return found

    def _elements(self, dim: str) -> tuple[str, ...]:
        return self.model.structure.subscripts[dim]

    def check(self, experiment: str, seen: tuple[str, ...] = ()) -> None:
        """Refuse an experiment that the model cannot do.

        Raises
        ------
        Missing
        """
        if experiment == BASELINE:
            return
        content = self.file.content.experiments[experiment]
        structure = self.model.structure
        for lever in content.do:
            for one, element in interventions(self.file.content.levers[lever]):
                lack = self._lack(one)
                dims = () if lack else structure[one.variable].dims
                if lack or (element and element not in [e for d in dims for e in self._elements(d)]):
                    name = lack or f"{one.variable}[{element}]"
                    template = N_("the model has no '{name}' that can be changed ({handle})")
                    raise Missing(tell(template, name=name, handle=lever))
        for constant in content.set:
            variable = structure.find(split_key(constant)[0])
            if variable is None or variable.kind != "constant":
                raise Missing(tell("the model has no constant '{name}'", name=constant))
        for loop in (*content.cut, *content.keep):
            if loop != REINFORCING and loop not in structure.subscripts.get("loop", ()):
                raise Missing(tell("the model has no loop '{name}'", name=loop))
        for policy in content.policies:
            if policy not in structure.subscripts.get("policy", ()):
                raise Missing(tell("the model has no policy '{name}'", name=policy))
        if content.against not in seen:
            self.check(content.against, (*seen, experiment))

    # -- running -----------------------------------------------------------------------------------

    def run(
        self,
        pairs: Iterable[tuple[str, str]],
        variables: Iterable[str],
        years: Iterable[float],
        draws: tuple[int, int, int] | None = None,
    ) -> Found:
        """Run experiments on cities.

        Parameters
        ----------
        pairs : (experiment, city)
        variables : to read
        years : points of time besides every whole year
        draws : (number, first, last) of the draws run; None: the central run alone
        """
        pairs = list(dict.fromkeys(pairs))
        first, last = self.model.structure.time["INITIAL TIME"], self.file.content.until
        times = np.unique([*np.arange(first, last + 1e-9), *years])
        lanes = [self._lane(experiment, city, draws) for experiment, city in pairs]
        size = 1 if draws is None else draws[2] - draws[1]
        run = self.run_lanes(lanes, variables, times)
        values: dict[tuple[str, str], dict[str, np.ndarray]] = {pair: {} for pair in pairs}
        for name in map(str, run.data_vars):
            array = run[name]
            plain = np.asarray(array.values, float).reshape(len(pairs), size, len(times), -1)
            for number, pair in enumerate(pairs):
                values[pair][str(name)] = plain[number]
        return Found(values, times)

    def run_lanes(
        self, lanes: Sequence[Mapping[str, Any]], variables: Iterable[str], times: Any
    ) -> xr.Dataset:
        """Run inputs side by side, up to the last of the times: dims (scenario, [draw,] time, ...)."""
        last = float(max(times))
        return self.bench_model.run(
            params=self._params(lanes, last),
            outputs=sorted(set(variables)),
            engine=self.engine,
            final_time=last,
            times=times,
        )

    def _content(self, experiment: str) -> Experiment:
        return NOTHING if experiment == BASELINE else self.file.content.experiments[experiment]

    def _lane(self, experiment: str, city: str, draws: tuple[int, int, int] | None) -> dict[str, Any]:
        """Return the inputs of one experiment on one city; arrays over the draws where they differ."""
        content = self._content(experiment)
        fixed = self.places.inputs(content.scenario, city)
        lane: dict[str, Any] = dict(fixed)
        if draws is not None:
            lane |= self.places.draws(content.scenario, city, draws[0]).params(fixed, draws[1], draws[2])
        for key, value in content.set.items():
            lane[key] = value
        for policy in content.policies:
            lane[policy_key(policy)] = 1.0
        for loop in self._cut(content):
            lane[loop_key(loop)] = 0.0
        if content.do:
            lane[WHEN] = self.file.content.at if content.at is None else content.at
        for lever, size in content.do.items():
            for one, element in interventions(self.file.content.levers[lever]):
                for key in self._keys(one.constant, element):
                    lane[key] = size
        return lane

    def _cut(self, content: Experiment) -> list[str]:
        if REINFORCING not in content.cut:
            return [loop for loop in content.cut if loop not in content.keep]
        known = self.model.structure.subscripts["loop"]
        told: Any = read_yaml(shipped_folder("models") / "loops.yaml").plain()
        reinforcing = [name for name, loop in told["loops"].items() if loop["polarity"] == "R"]
        return [
            name
            for name in known
            if (name in reinforcing or name in content.cut) and name not in content.keep
        ]

    def _keys(self, constant: str, element: str | None) -> list[str]:
        if element:
            return [f"{constant}[{element}]"]
        dims = self.bench_model.structure[constant].dims
        return [f"{constant}[{one}]" for one in self._elements(dims[0])] if dims else [constant]

    def _params(self, lanes: Sequence[Mapping[str, Any]], last: float) -> dict[str, Any]:
        """Return the params of all lanes, lookups going on to a last year."""
        import xarray as xr

        structure = self.model.structure
        longer: dict[int, Any] = {}
        for lane in lanes:
            for key, value in lane.items():
                if isinstance(value, tuple) and id(value) not in longer:
                    longer[id(value)] = extended(value, structure, key, last)
        given = [{key: longer.get(id(value), value) for key, value in lane.items()} for lane in lanes]
        params = side_by_side(given, self._own, shared=True)
        if not any(SCENARIO in getattr(value, "dims", ()) for value in params.values()):
            params[WHEN] = xr.DataArray(np.full(len(lanes), params.get(WHEN, NEVER)), dims=(SCENARIO,))
        return params

    def _own(self, key: str) -> float:
        if key == WHEN:
            return NEVER
        if key.startswith("intervention "):
            return 0.0
        return self.places.constants[key]

    # -- reading -----------------------------------------------------------------------------------

    def reading(self, found: Found, cities: Sequence[str]) -> Reading:
        """Return what measures of some cities are evaluated on."""
        return Reading(
            lambda quantity, experiment: np.stack(
                [self._series(quantity, experiment, city, found) for city in cities]
            ),
            self.against,
            found.times,
        )

    def against(self, experiment: str) -> str:
        """Return the experiment that one is compared with."""
        return self._content(experiment).against

    def _series(self, quantity: str, experiment: str, city: str, found: Found) -> np.ndarray:
        """Return (draws, times) of a quantity."""
        content = self.file.content.quantities[quantity]
        if content.formula:
            return combine(content.formula, lambda name: self._series(name, experiment, city, found))
        data = found.values[experiment, city]
        size = next(iter(data.values())).shape[0]
        if content.national or content.figure:
            line = (
                self._national(content.national, found.times)
                if content.national
                else self._figure(content.figure, city, found.times)
            )
            return np.broadcast_to(line, (size, len(found.times)))
        parts = []
        for key in content.of:
            name, element = split_key(key)
            variable = self.model.structure[name]
            values = data[variable.name]
            if element:
                values = values[..., [self._elements(variable.dims[0]).index(element)]]
            parts.append(values.sum(axis=-1))
        return np.sum(parts, axis=0)

    def _national(self, series: str, times: np.ndarray) -> np.ndarray:
        """Return a series of the central national path; NaN beyond its years."""
        if series not in self.places.path.variables:
            raise Missing(tell("the national path has no '{name}'", name=series))
        values = self.places.path.variables[series].values
        years = sorted(values)
        return np.interp(times, years, [values[year] for year in years], left=np.nan, right=np.nan)

    def _figure(self, series: str, city: str, times: np.ndarray) -> np.ndarray:
        """Return a series of the city's file in its own years; NaN in others."""
        figures = self.places.resolved(BASELINE, city).city.figures
        if self.places.is_mean(city) or series not in figures:
            return np.full(len(times), np.nan)
        values = figures[series].values
        return np.array([values.get(int(t), np.nan) if t == int(t) else np.nan for t in times])


def interventions(lever: Lever) -> list[tuple[Intervention, str | None]]:
    """Return a lever's interventions, each with the element it is for, None for all."""
    kinds: tuple[Kind, ...] = ("times", "plus", "kick")
    told = [(key, kind, "") for kind in kinds for key in getattr(lever, kind)]
    told += [(key, "plus", other) for key, other in lever.plus_of.items()]
    return [
        (Intervention(name, kind, other), element)
        for key, kind, other in told
        for name, element in [split_key(key)]
    ]
