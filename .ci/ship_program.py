"""Ship what is made of the shipped model and the files of a plain run, so that a first run need not make it.

    python .ci/ship_program.py

Writes `models/compiled`: the structure, the flat program, the labels and parsed YAML as JSON, named by format
and content; what lay there goes. Run it when `models/city.mdl`, `models/labels.yaml` or one of `READ` changes, or
the code that reads them; a test compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from talent_sd.base.cache import content_key, shipped_bytes, shipped_file
from talent_sd.base.files import shipped_folder
from talent_sd.engine.equations import build_program
from talent_sd.engine.program import program_to_json
from talent_sd.inputs.labels import labels_to_json
from talent_sd.inputs.strict_yaml import read_text, yaml_to_json
from talent_sd.model.read import structure_to_json
from talent_sd.model.structure import build_structure
from talent_sd.model.translate import translate

READ = {
    "models": ("city_figures.yaml", "figure_bounds.yaml", "provinces.yaml"),
    "scenarios": ("cities/hefei.yaml", "national/central.yaml"),
}
"""What every run of the default city reads: parsed, it is there in a fortieth of the time."""


def compiled() -> dict[Path, bytes]:
    """Return the files of `models/compiled`, by path, made anew."""
    model, labels = (shipped_folder("models") / name for name in ("city.mdl", "labels.yaml"))
    source = translate(model)
    key = content_key(model, model.read_bytes())
    values: dict[tuple[str, str], Any] = {
        ("structure", key): structure_to_json(build_structure(source)),
        ("program", key): program_to_json(build_program(source)),
        ("labels", content_key(labels, read_text(labels).encode())): labels_to_json(labels),
    }
    for part, names in READ.items():
        for name in names:
            key, value = yaml_to_json(read_text(shipped_folder(part) / name))
            values["yaml", key] = value
    return {shipped_file(*name): shipped_bytes(value) for name, value in values.items()}


if __name__ == "__main__":
    folder = shipped_folder("models") / "compiled"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for file, content in compiled().items():
        file.write_bytes(content)
        print(f"{file.name}: {len(content) / 1000:.0f} kB")  # noqa: T201 - a script's
