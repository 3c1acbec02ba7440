"""The study of feedback loops: found, named, scored, and what each adds to an output.

In: a model, and a scenario of a city where loops are named.
Out: shares of loops over time, what they add, and the tables of both.

The folder can be called: `talent_sd.loops("model.mdl")` is `talent_sd.feedback_loops("model.mdl")`.
"""

import types
from importlib import import_module
from typing import Any


class _Callable(types.ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (as `feedback_loops` takes and returns)
        from talent_sd.loops.feedback_loops import feedback_loops

        return feedback_loops(*args, **kwargs)


import_module(__name__).__class__ = _Callable  # type: ignore[assignment]
