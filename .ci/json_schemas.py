"""Write the JSON Schemas that editors check scenario, city and national files with.

python .ci/json_schemas.py
"""

from __future__ import annotations

import json
from typing import Any

from talent_sd.inputs.figure_schemas import CityFigures
from talent_sd.inputs.file_schemas import (
    CityFile,
    NationalFile,
    Part,
    ScenarioFile,
    schemas_folder,
)


def schema_texts() -> dict[str, str]:
    """Return file name to JSON Schema text."""
    models: dict[str, type[Part]] = {
        "scenario": ScenarioFile,
        "city": CityFile,
        "national": NationalFile,
        "city_figures": CityFigures,
    }
    texts = {}
    for name, model in models.items():
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **_without_null(model.model_json_schema()),
        }
        texts[f"{name}.json"] = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    return texts


def _without_null(schema: Any) -> Any:  # noqa: ANN401 (any part of a JSON Schema)
    """Return a schema that has no null: a key left empty is refused, not read as absent."""
    if isinstance(schema, list):
        return [_without_null(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {
        key: _without_null(part) for key, part in schema.items() if not (key == "default" and part is None)
    }
    forms = [form for form in inner.get("anyOf", []) if form != {"type": "null"}]
    if len(forms) == 1:
        del inner["anyOf"]
        return {**forms[0], **inner}
    return {**inner, "anyOf": forms} if forms else inner


if __name__ == "__main__":
    for name, text in schema_texts().items():
        (schemas_folder() / name).write_text(text, encoding="utf-8")
