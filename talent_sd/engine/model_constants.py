"""The model's own values: what holds where nobody sets anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from talent_sd.engine.runner import Model


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
