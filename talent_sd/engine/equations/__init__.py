"""Models to flat programs: subscripts, macros and functions with memory written out."""

from talent_sd.engine.equations.build import build_program

__all__ = ["build_program"]
