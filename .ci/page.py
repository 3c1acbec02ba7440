"""Build what the page is made of, from sources, with pinned packages.

    python .ci/page.py            writes talent_sd/output/page/built
    python .ci/page.py --check    compares what is there with what would be written, and writes nothing

The script and the style come from `talent_sd/output/page/web` (npm ci, esbuild), the three WebAssembly modules from
the shipped model. With another LLVM or linker than the one that `modules.json` names, modules are compared by what
they compute (the tests of the engine do that), not by their bytes.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import llvmlite

from talent_sd.engine.llvm.wasm import linker
from talent_sd.output.page.modules import BUILT, FACTS, city_model_modules

WEB = BUILT.parent / "web"


def built_script(out: Path) -> dict[str, bytes]:
    """Return the bundle: file name -> content."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit(".ci/page.py needs node and npm (Debian: apt-get install nodejs npm)")
    subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--silent"], cwd=WEB, check=True)
    subprocess.run(["node", "build.mjs", str(out)], cwd=WEB, check=True)
    return {file.name: file.read_bytes() for file in sorted(out.iterdir())}


def made_with() -> dict[str, str]:
    """Return the versions that the modules' bytes follow from."""
    command = linker()
    if command is None:
        sys.exit(".ci/page.py needs wasm-ld (Debian: apt-get install lld)")
    told = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )[0]
    return {"llvmlite": llvmlite.__version__, "linker": told.split(" (")[0].strip()}


def built_modules() -> dict[str, bytes]:
    """Return the modules and their facts: file name -> content."""
    facts, files = {}, {}
    for name, module in city_model_modules().items():
        code, facts[name] = module.compiled(shipped=False)
        files[f"{name}.wasm"] = code
    text = json.dumps({"made_with": made_with(), "modules": facts}, separators=(",", ":"))
    return {**files, FACTS.name: (text + "\n").encode()}


def main() -> None:
    """Write or check."""
    with tempfile.TemporaryDirectory() as folder:
        files = {**built_script(Path(folder)), **built_modules()}
    if "--check" not in sys.argv:
        for name, content in files.items():
            (BUILT / name).write_bytes(content)
        return
    same_tools = json.loads(FACTS.read_text("utf-8"))["made_with"] == made_with()
    stale = []
    for name, content in files.items():
        there = (BUILT / name).read_bytes() if (BUILT / name).exists() else b""
        if name == FACTS.name and not same_tools:
            here, kept = (json.loads(text)["modules"] for text in (content, there))
            stale += (
                [name]
                if {n: f["key"] for n, f in here.items()} != {n: f["key"] for n, f in kept.items()}
                else []
            )
        elif there != content and (same_tools or not name.endswith(".wasm")):
            stale.append(name)
    if stale:
        sys.exit(f"out of date: {', '.join(stale)}. Run python .ci/page.py")
    print(f"the page's {len(files)} files are what their sources give")  # noqa: T201


if __name__ == "__main__":
    main()
