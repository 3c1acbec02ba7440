"""The same program as a WebAssembly module, for a browser: the same bits as native code.

The memory interface, for whoever drives a module without this package:

* exports: `memory`, `__heap_base` (the first byte that is free), `uniform` and, if anything saved
  differs between members, `members`; both are `(args, first, last, scratch)`, where `args` and `scratch`
  are addresses (i32) and `first`, `last` numbers of members (i64);
* `args` points to a block of 64-bit fields, `execution.ARGUMENTS` in order: addresses (the lower 32
  bits count), then integers, then `dt` as a double;
* every array is of little-endian doubles, but `due` and `table_index`, which are of 64-bit integers.
  Shapes as in `Kernel.run`, members innermost, `stride_in` and `stride_out` apart;
* first call `uniform(args, 0, 1, scratch)` with strides of 1: it fills `kept`, `record` and its own rows of
  `out`; then `members(args, first, last, scratch)`, `last - first` being a multiple of `width`;
* sin, cos and their kin are imported from `env`, where the browser has its own: the one place where a last bit
  may differ from native code, as it does between one C library and the next;
* `layout` says how many doubles `kept`, `record` (per point) and both scratches need, and which outputs each
  part stores; `scratch` starts at a multiple of 64.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from talent_sd.base.errors import UnsupportedError
from talent_sd.engine.ir import Program
from talent_sd.engine.llvm.compiled_objects import keep_objects, kernel_key, load_objects
from talent_sd.engine.llvm.execution import ARGUMENTS, POINTERS, MemoryLayout
from talent_sd.engine.llvm.native import Target

FEATURES = "+simd128,+bulk-memory,+sign-ext,+nontrapping-fptoint"
"""Of 2021 and in every browser since; no relaxed SIMD, whose results differ from machine to machine."""
WASM = Target("wasm32-unknown-unknown", "mvp", FEATURES)
MOST_MEMORY = 128 << 20
"""Bytes that a module may take: a phone has them."""
LINKER = "wasm-ld"


@dataclass(frozen=True)
class WasmModule:
    """A program in WebAssembly.

    Parameters
    ----------
    code : the module's bytes
    layout : memory it expects
    width : members per vector
    key : of what it computes
    """

    code: bytes
    layout: MemoryLayout
    width: int
    key: str

    def facts(self) -> dict[str, Any]:
        """Return all that a driver needs besides the code, as JSON values."""
        interface = {"pointers": list(POINTERS), "fields": list(ARGUMENTS)}
        return {**asdict(self.layout), "width": self.width, "key": self.key, **interface}


def compile_wasm(
    program: Program,
    outputs: Sequence[int],
    varying: Sequence[int] = (),
    series: Sequence[int] = (),
    member_series: Sequence[int] = (),
    width: int = 2,
) -> WasmModule:
    """Compile and link what a program's outputs need; parameters as of `compile_kernel`.

    Raises
    ------
    UnsupportedError
        If there is no linker, or an equation uses what the engine lacks.
    """
    from talent_sd.engine.llvm.kernel import compile_parts

    requests = (tuple(outputs), tuple(varying), tuple(series), tuple(member_series))
    key = wasm_key(program, requests, width)
    place = kernel_key(program, requests, width, f"{WASM.key()} {linker()}")
    kept = load_objects(place)
    if kept is not None:
        (code,), facts = kept
        return WasmModule(code, MemoryLayout.of(facts), width, key)
    objects, layout = compile_parts(program, requests, width, WASM, (2, 2))
    code = _link(objects)
    keep_objects(place, [code], asdict(layout))
    return WasmModule(code, layout, width, key)


def wasm_key(program: Program, requests: Sequence[Sequence[int]], width: int = 2) -> str:
    """Return what a module computes: the same for the same program, whatever compiled it."""
    return kernel_key(program, requests, width, f"{WASM.triple} {WASM.cpu} {WASM.features}", compiler=False)


@cache
def linker() -> tuple[str, ...] | None:
    """Return the command of a WebAssembly linker: one on the path, else that of ziglang; None: neither."""
    found = shutil.which(LINKER)
    if found:
        return (found,)
    return (sys.executable, "-m", "ziglang", LINKER) if find_spec("ziglang") else None


def _link(objects: Sequence[bytes]) -> bytes:
    command = linker()
    if command is None:
        raise UnsupportedError(
            "a page of this model needs the linker {linker}, and none is here. Install lld (Debian, Ubuntu: "
            "apt install lld; macOS: brew install lld), or pip install 'talent_sd[page]', some 400 MB.",
            linker=LINKER,
        )
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.o" for number in range(len(objects))]
        for file, content in zip(files, objects, strict=True):
            file.write_bytes(content)
        out = Path(folder) / "module.wasm"
        names = ("uniform", "members")[: len(objects)]
        options = [*(f"--export={name}" for name in (*names, "__heap_base")), f"--max-memory={MOST_MEMORY}"]
        flags = ["--no-entry", "--strip-all", "--gc-sections", "--allow-undefined", *options, "-o", str(out)]
        done = subprocess.run(
            [*command, *flags, *map(str, files)], capture_output=True, check=False, text=True
        )  # noqa: S603
        if done.returncode:
            raise UnsupportedError(
                "the linker {linker} failed: {reason}", linker=command[0], reason=done.stderr
            )
        return out.read_bytes()
