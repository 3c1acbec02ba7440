"""Load a model and run it: the one way in for everything above the engine."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.arguments import checked
from talent_sd.base.dims import DRAW
from talent_sd.base.errors import EngineNotice, ModelError, UnsupportedError, nearest
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import listed, tell
from talent_sd.engine.back_ends import Kernels, kernel_available, run_arrays, uniform_constants
from talent_sd.engine.dataset import make_dataset
from talent_sd.engine.ir import Program
from talent_sd.engine.lanes import Lanes, differs_beyond_draws, stack_lanes
from talent_sd.engine.non_finite import (
    Trouble,
    trouble_in_kernel,
    trouble_in_slots,
    trouble_in_variables,
    warn_of,
)
from talent_sd.engine.program import ProgramStore
from talent_sd.engine.range_notices import overrun_lookups, warn_of_ranges
from talent_sd.engine.request import Request, build_request
from talent_sd.engine.slot_plan import SlotPlan, assemble, make_plan
from talent_sd.model.read import read_structure
from talent_sd.model.structure import Structure

if TYPE_CHECKING:
    import xarray as xr

    from talent_sd.engine.plain_run import PlainRun
    from talent_sd.engine.pysd_reference import Reference

ENGINES = ("auto", "kernel", "arrays", "pysd")


@checked
def load_model(path: str | Path | None = None) -> Model:
    """Load a stock-and-flow model.

    Parameters
    ----------
    path : a Vensim .mdl or an XMILE .xmile, .xml, .stmx or .itmx file; default: the shipped city model

    Raises
    ------
    ModelError
        If the file is missing, malformed or holds a wrong equation: ``file:line: what. remedy``.
    """
    return Model(shipped_folder("models") / "city.mdl" if path is None else path)


class Model:
    """A stock-and-flow model, ready to run.

    Attributes
    ----------
    structure : its variables, subscript ranges and time settings
    path : of its file
    lacks : why the native engine cannot run it, "" if it can
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.structure: Structure = read_structure(self.path)
        self.lacks = ""
        for notice in self.structure.notices:
            warnings.warn(notice, EngineNotice, stacklevel=2)
        # what the city model may reach is tried by `validate`; its effects are flat beyond their points on purpose
        self.watches_ranges = self.path != shipped_folder("models") / "city.mdl"
        self._store = ProgramStore(self.path)
        self._kernels = Kernels()
        try:
            self._store.default()
        except UnsupportedError as error:
            self.lacks = str(error)

    def __repr__(self) -> str:
        """Return the model's name and size."""
        return f"<Model {self.path.name}: {len(self.structure.variables)} variables>"

    @property
    def program(self) -> Program:
        """Return the model's flat equations.

        Raises
        ------
        UnsupportedError
            If it uses what they lack; names function and variable.
        """
        return self._store.default()

    @checked
    def run(
        self,
        params: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        outputs: Sequence[str] | None = None,
        engine: str = "auto",
        *,
        initial_time: float | None = None,
        final_time: float | None = None,
        time_step: float | None = None,
        times: Sequence[float] | np.ndarray | None = None,
        seed: int = 0,
        threads: int | None = None,
        first_member: int = 0,
    ) -> xr.Dataset:
        """Run the model, once or for many draws at once.

        Parameters
        ----------
        params : name -> value in place of a constant (or of an equation): a number; {element: number};
            an array over the variable's subscripts; a DataArray. "name[element]" sets one element.
            A `draw` dimension (first axis of a plain array) gives each draw its own value; a DataArray
            may have any of the dimensions `LANES` (city, scenario, coalition, draw), and all that have
            one are broadcast against each other. A lookup takes a pandas Series or (x, y), or an array
            of objects over the same dimensions, each (x, y)
        inputs : name -> values over time in place of a constant or an equation: a pandas Series (index:
            time) or a DataArray over time and any of `LANES` and its subscripts; linear between, flat outside
        outputs : names to return; default: every variable that is not a lookup
        engine : "kernel" (native code), "arrays" (numpy), "pysd" (the reference), or "auto": native
            where it can, else PySD with one `EngineNotice`
        initial_time, final_time, time_step : in place of the model's own
        times : points of time to return; default: the model's SAVEPER
        seed : of random functions
        threads : of the kernel; default: all processors
        first_member : number of the first draw, where a run is one block of a larger ensemble

        Returns
        -------
        dims (*those of `LANES` that something differs by, time, *subscript ranges), attrs `units` and `long_name`

        Raises
        ------
        ModelError
            With every problem of the request: unknown name, value outside [min, max], NaN, wrong shape.
        UnsupportedError
            If `engine` is "kernel" and the model needs what it lacks.
        """
        _check_engine(engine)
        asked = partial(
            self.request, outputs=outputs, initial_time=initial_time, final_time=final_time,
            time_step=time_step, times=times, seed=seed,
        )  # fmt: skip
        lanes = self._lanes(params or {}, inputs or {})
        if lanes is not None:
            return self._run_lanes(lanes, asked, engine, threads, first_member)
        request = asked(params, inputs)
        values, used, trouble = self._values(request, engine, threads, first_member)
        warn_of(trouble, request, first_member, stacklevel=2)
        axes = {} if request.members is None else {DRAW: np.arange(request.lanes)}
        return make_dataset(self.structure, request, values, used, axes, first_member)

    def _lanes(self, params: Mapping[str, Any], inputs: Mapping[str, Any]) -> Lanes | None:
        """Return the members of a run that differs by more than draws; None of any other."""
        wide = any(differs_beyond_draws(value) for value in (*params.values(), *inputs.values()))
        return stack_lanes(self.structure, params, inputs) if wide else None

    def _run_lanes(
        self, lanes: Lanes, asked: Callable[..., Request], engine: str, threads: int | None, first_member: int
    ) -> xr.Dataset:
        """Run what differs by more than draws, each group of equal tables at once."""
        values: dict[str, np.ndarray] = {}
        for places, own_params, own_inputs in lanes.groups():
            request = asked(own_params, own_inputs)
            found, used, trouble = self._values(request, engine, threads, first_member)
            lanes.put(values, found, places)
            if trouble is not None:
                trouble = replace(trouble, member=lanes.draw_of(int(places[trouble.member])))
            warn_of(trouble, request, first_member, stacklevel=3)
        return make_dataset(self.structure, request, values, used, lanes.axes, first_member)

    def request(
        self,
        params: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        outputs: Sequence[str] | None = None,
        **arguments: Any,
    ) -> Request:
        """Check what is asked of a run without running it; parameters and errors as in `run`."""
        try:
            return build_request(self.structure, params, inputs, outputs, **arguments)
        except ModelError as error:
            raise ModelError(f"{self.path.name}: {problem}" for problem in error.problems) from None

    def _values(
        self, request: Request, engine: str, threads: int | None, first_member: int
    ) -> tuple[dict[str, np.ndarray], str, Trouble | None]:
        """Return name -> (members, saved, *dims), the engine that made them, and where not finite."""
        if engine == "pysd":
            return self._reference(request)
        if engine == "auto" and not self.lacks and not kernel_available():
            notice = tell(
                "The native engine cannot be loaded here. Numpy runs the model instead: the same results."
            )
            warnings.warn(notice, EngineNotice, stacklevel=3)
            engine = "arrays"
        try:
            program, plan = self.prepare(request)
            flat, trouble = self.run_slots(program, plan, request, engine, threads, first_member)
        except UnsupportedError as error:
            if engine != "auto":
                raise
            _warn_of_pysd(error, stacklevel=4)
            return self._reference(request)
        used = "arrays" if engine == "arrays" else "kernel"
        values = assemble(program, self.structure, request.outputs, flat)
        if self.watches_ranges:
            overrun = overrun_lookups(program, plan, request, flat) if request.members is None else ()
            warn_of_ranges(self.structure, request, values, overrun, stacklevel=3)
        return values, used, trouble

    def run_slots(
        self,
        program: Program,
        plan: SlotPlan,
        request: Request,
        engine: str,
        threads: int | None = None,
        first_member: int = 0,
    ) -> tuple[np.ndarray, Trouble | None]:
        """Run a plan: (slots of `plan.outputs`, saved, members), and where they are not finite.

        Parameters
        ----------
        program, plan : as `prepare` gives them
        engine : "arrays", or anything else for native code

        Raises
        ------
        UnsupportedError
            If native code lacks an operation, or cannot be loaded.
        """
        if engine == "arrays":
            flat = run_arrays(program, plan, request, first_member)
            return flat, trouble_in_slots(program, plan.outputs, request, flat)
        result = self._kernels.run(program, plan, request, threads, first_member)
        return result.values, trouble_in_kernel(program, request, result)

    def prepare(self, request: Request) -> tuple[Program, SlotPlan]:
        """Return the program and the plan that a run needs, for whoever drives a back end directly.

        Raises
        ------
        UnsupportedError
            If the model, or the request, needs what the flat program lacks.
        """
        if self.lacks:
            raise UnsupportedError(self.lacks)
        program = self._store.default()
        try:
            return program, make_plan(program, self.structure, request)
        except ModelError as error:
            name = self.path.name
            told = (text if text.startswith(f"{name}:") else f"{name}: {text}" for text in error.problems)
            raise ModelError(told) from None

    def refuse_unready(self) -> None:
        """Raise what a run of the file as it stands would, before it runs; warn where PySD would run it.

        Raises
        ------
        ModelError
            If data variables have no values.
        """
        try:
            self.prepare(self.request())
        except UnsupportedError as error:
            _warn_of_pysd(error, stacklevel=3)

    def plain(
        self, names: Sequence[str], outputs: Sequence[str] | None = None, params: Mapping[str, Any] | None = None,
        *, few: bool = False, **arguments: Any,
    ) -> PlainRun:  # fmt: skip
        """Prepare a single run that is repeated with other constants: half a millisecond each for the city.

        Parameters
        ----------
        names : the constants that each call gives, "name" or "name[element]"
        outputs, params, arguments : as in `run`, the same for all calls
        few : whether it is repeated a few times only: made in a fifth of the time, and slower. The results are the same bits

        Raises
        ------
        ModelError
            With every problem of the request; if a name is no constant, or `params` have draws.
        UnsupportedError
            If the native engine cannot run the model.
        """
        from talent_sd.engine.plain_run import PlainRun

        request = self.request(params, None, outputs, **arguments)
        if request.members is not None:
            raise ModelError(tell("a plain run has no draws. Give each parameter one value."))
        program, plan = self.prepare(request)
        constants = uniform_constants(program, plan)
        return PlainRun(program, plan, request, self.structure, names, constants, effort=0 if few else 2)

    def built_reference(self, request: Request) -> AbstractContextManager[Reference]:
        """Give the model built for PySD with a request's times, for many runs; errors as in `run`."""
        from talent_sd.engine.pysd_reference import built_reference

        return built_reference(self._store.source, self.structure, request)

    def reference_values(self, request: Request) -> dict[str, np.ndarray]:
        """Run a request in PySD: output name -> (members, saved, *dims); errors as in `run`."""
        with self.built_reference(request) as reference:
            return reference.run(request)

    def _reference(self, request: Request) -> tuple[dict[str, np.ndarray], str, Trouble | None]:
        values = self.reference_values(request)
        return values, "pysd", trouble_in_variables(self.structure, request, values)


def _warn_of_pysd(error: UnsupportedError, stacklevel: int) -> None:
    notice = tell("{error} PySD runs the model instead, slowly.", error=error)
    warnings.warn(notice, EngineNotice, stacklevel=stacklevel)


def _check_engine(engine: str) -> None:
    if engine not in ENGINES:
        raise ModelError(
            "unknown engine '{engine}'.{hint} Use one of {engines}.",
            engine=engine,
            hint=nearest(engine, ENGINES),
            engines=listed(ENGINES),
        )


def model_constants(model: Model) -> dict[str, float]:
    """Return the value of every constant that is a number in the file: "name" or "name[element]".

    Raises
    ------
    UnsupportedError
        If the model uses what the flat equations lack.
    """
    from talent_sd.engine.ir import Number

    return {
        slot.name: slot.expression.value
        for slot in model.program.slots
        if slot.kind == "constant" and isinstance(slot.expression, Number)
    }
