"""The three WebAssembly modules of a page: shipped ones where they are of this model, else compiled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talent_sd.engine.llvm.wasm import compile_wasm, wasm_key
from talent_sd.engine.order import references
from talent_sd.engine.probe import probe_program
from talent_sd.engine.runner import load_model
from talent_sd.forecast.ensemble import shown_outputs
from talent_sd.inputs.city_figures import read_mapping
from talent_sd.inputs.setting_checks import POLICY
from talent_sd.inputs.settings import policy_key
from talent_sd.output.page.variables import ROLES
from talent_sd.uncertainty.noise import NOISE_INPUTS
from talent_sd.uncertainty.posterior import read_posterior
from talent_sd.uncertainty.priors import read_priors
from talent_sd.uncertainty.windows import BACHELOR_SHARE, MODEL_VARIABLES, TERTIARY_SHARE

if TYPE_CHECKING:
    from talent_sd.engine.ir import Program
    from talent_sd.engine.runner import Model
    from talent_sd.model.structure import Structure

BUILT = Path(__file__).parent / "built"
FACTS = BUILT / "modules.json"
NAMES = ("fan", "whole", "probe")


@dataclass(frozen=True)
class Module:
    """A module, and what drives it.

    Parameters
    ----------
    name : "fan" (many draws of what is shown), "whole" (one run, every variable) or "probe" (each equation
        as a function of what it reads)
    program : what it was compiled from
    outputs, varying, series : slots: saved, differing by member, differing by member and time
    of : slots whose equations the outputs are; of the probe alone
    """

    name: str
    program: Program
    outputs: tuple[int, ...]
    varying: tuple[int, ...] = ()
    series: tuple[int, ...] = ()
    of: tuple[int, ...] = ()

    @property
    def requests(self) -> tuple[tuple[int, ...], ...]:
        """Return the slots as the compiler takes them."""
        return self.outputs, self.varying, (), self.series

    def compiled(self, shipped: bool = True) -> tuple[bytes, dict[str, Any]]:
        """Return the code, and what a driver needs to know of it.

        Raises
        ------
        UnsupportedError
            If it has to be compiled and no linker is here.
        """
        if shipped and FACTS.exists():
            facts = json.loads(FACTS.read_text("utf-8"))["modules"].get(self.name, {})
            if facts.get("key") == wasm_key(self.program, self.requests):
                return (BUILT / f"{self.name}.wasm").read_bytes(), facts
        made = compile_wasm(self.program, self.outputs, self.varying, (), self.series)
        return made.code, made.facts()


def page_modules(model: Model, shown: Sequence[str]) -> dict[str, Module]:
    """Return the modules of a page; they follow from the model and its priors, not from the cities.

    Parameters
    ----------
    shown : variables that are drawn in fans
    """
    program = model.program
    by_variable: dict[str, list[int]] = {}
    for number, slot in enumerate(program.slots):
        if not slot.hidden:
            by_variable.setdefault(slot.variable, []).append(number)
    fan = tuple(slot for name in shown for slot in by_variable[name])
    whole = tuple(number for number, slot in enumerate(program.slots) if slot.kind != "constant")
    noise = tuple(sorted(slot for name in NOISE_INPUTS.values() for slot in by_variable.get(name, ())))
    probe, computed = probe_program(program)
    first = len(program.slots)
    equations = tuple(range(first, first + len(computed)))
    read = sorted({slot for number in equations for slot in references(probe.slots[number].expression)})
    return {
        "fan": Module("fan", program, fan, _drawn(model), noise),
        "whole": Module("whole", program, whole),
        "probe": Module("probe", probe, equations, tuple(read), of=computed),
    }


def _drawn(model: Model) -> tuple[int, ...]:
    """Return every constant that may differ by draw in some city, and the policies' switches."""
    slots = {slot.name: number for number, slot in enumerate(model.program.slots)}
    keys = [key for prior in read_priors(model.structure, model.program) for key in prior.elements]
    keys += [key for elements in read_posterior().elements.values() for key in elements]
    keys += [key for key, rule in read_mapping().content.constants.items() if rule.default or rule.shared]
    keys += [TERTIARY_SHARE, BACHELOR_SHARE]
    keys += [policy_key(policy) for policy in model.structure.subscripts.get(POLICY, ())]
    return tuple(sorted({slots[key] for key in keys if key in slots}))


def city_model_modules() -> dict[str, Module]:
    """Return the modules of the shipped model, for whoever builds what ships."""
    model = load_model()
    return page_modules(model, shown_variables(model.structure))


def shown_variables(structure: Structure) -> list[str]:
    """Return the variables whose fans a page can draw: what plots show, and what the page itself asks for."""
    wanted = [*shown_outputs(structure), *ROLES.values(), *MODEL_VARIABLES.values()]
    return list(dict.fromkeys(name for name in wanted if name in structure.variables))
