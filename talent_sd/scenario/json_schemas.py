"""The JSON Schemas of the files users write, for editors; generated, never typed."""

from __future__ import annotations

import json
from pathlib import Path


def schema_texts() -> dict[str, str]:
    """Return file name to JSON Schema text."""
    from talent_sd.scenario.schema import CityFigures, CityFile, NationalFile, Part, ScenarioFile

    models: dict[str, type[Part]] = {
        "scenario": ScenarioFile,
        "city": CityFile,
        "national": NationalFile,
        "city_figures": CityFigures,
    }
    texts = {}
    for name, model in models.items():
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
        texts[f"{name}.json"] = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    return texts


def schemas_folder() -> Path:
    """Return the package's folder of schemas."""
    return Path(__file__).resolve().parents[1] / "schemas"


def write_schemas(folder: Path | None = None) -> None:
    """Write the schemas, by default where the package keeps them."""
    for name, text in schema_texts().items():
        ((folder or schemas_folder()) / name).write_text(text, encoding="utf-8")
