"""LLVM IR text to callable machine code: target, compilation, loading."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from talent_sd.base.errors import TalentError
from talent_sd.base.language import listed

NAMED = {"x86-64": "", "haswell": "+avx,+avx2,+fma", "skylake-avx512": "+avx,+avx2,+fma,+avx512f"}
"""Processors to compile for by name, mostly for tests: any 64-bit PC (SSE2), one with AVX2, one with AVX-512."""


@dataclass(frozen=True)
class Target:
    """A processor to compile for.

    Parameters
    ----------
    triple : LLVM's name of machine and system
    cpu : LLVM's name of the processor
    features : instruction sets switched on or off, as LLVM writes them
    """

    triple: str
    cpu: str
    features: str

    @property
    def fma(self) -> bool:
        """Whether it has a fused multiply-add."""
        return "+fma," in self.features + "," or self.triple.startswith(("aarch64", "arm64"))

    @property
    def native_lanes(self) -> int:
        """Doubles in its widest register: the members a vector takes unless told otherwise.

        Measured on the city model with AVX-512: two registers side by side run a sixth
        faster but take twice as long to compile (`wide_lanes`); with AVX2's 16 registers, one is faster.
        """
        features = set(self.features.split(","))
        if "+avx512f" in features:
            return 8
        return 4 if "+avx" in features else 2

    def key(self) -> str:
        """What a compiled object depends on besides its IR."""
        version = ".".join(map(str, llvm.llvm_version_info))
        return f"LLVM {version}\n{self.triple}\n{self.cpu}\n{self.features}"


@cache
def host_target() -> Target:
    """The processor this runs on, with every instruction set it has."""
    _initialise()
    return Target(llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())


def target_for(cpu: str | None) -> Target:
    """The host's processor, or a named one of a PC.

    Raises
    ------
    TalentError
        If the name is not known, or the host is no PC.
    """
    host = host_target()
    if cpu is None:
        return host
    if cpu not in NAMED or not host.triple.startswith("x86_64"):
        raise TalentError(
            "no features are known of the processor '{cpu}'. Use one of {named}.",
            cpu=cpu,
            named=listed(NAMED),
        )
    return Target(host.triple, cpu, NAMED[cpu])


@cache
def _initialise() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@cache
def _initialise_all() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


@cache
def _machine(target: Target, effort: int) -> Any:
    _initialise()
    here = not target.triple.startswith("wasm")
    if not here:
        _initialise_all()
    try:
        found = llvm.Target.from_triple(target.triple)
        return found.create_target_machine(
            cpu=target.cpu,
            features=target.features,
            opt=effort,
            jit=here,
            reloc="pic" if here else "static",
            codemodel="small",
        )
    except RuntimeError as error:
        raise TalentError(
            "LLVM cannot compile for this processor ({cpu}): {reason}", cpu=target.cpu, reason=error
        ) from error


def compile_object(ir: str, target: Target, effort: int = 2) -> bytes:
    """Compile IR text to an object file's bytes.

    Parameters
    ----------
    ir : the text of a module
    target : what to compile for
    effort : 0 compiles some twenty times faster to code that is a third slower, 2 is LLVM's default

    Raises
    ------
    RuntimeError
        If LLVM refuses the text: a fault of this package, not of the user's model.
    """
    machine = _machine(target, effort)
    module = llvm.parse_assembly(ir)
    module.triple = target.triple
    module.data_layout = str(machine.target_data)
    module.verify()
    return bytes(machine.emit_object(module))


class LoadedObject:
    """Machine code in memory, freed with this object.

    Parameters
    ----------
    objects : object files' bytes
    target : what they were compiled for
    """

    def __init__(self, objects: Sequence[bytes], target: Target) -> None:
        backing = llvm.parse_assembly("")
        backing.triple = target.triple
        self._engine = llvm.create_mcjit_compiler(backing, _private_machine(target))
        for data in objects:
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(data))
        self._engine.finalize_object()

    def function(self, name: str, *arguments: type) -> Any:
        """A function of the object, called through ctypes (which releases the GIL)."""
        address = self._engine.get_function_address(name)
        if not address:
            raise KeyError(name)
        return ctypes.CFUNCTYPE(None, *arguments)(address)


def _private_machine(target: Target) -> Any:
    """An own target machine: the execution engine takes it over and frees it."""
    _initialise()
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, jit=True
    )
