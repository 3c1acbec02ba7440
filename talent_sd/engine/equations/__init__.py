"""Models to flat programs: subscripts, macros and functions with memory written out."""

from talent_sd.engine.equations.build import build_program, needed_orders

__all__ = ["build_program", "needed_orders"]
