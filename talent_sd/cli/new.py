"""`talent-sd new`: starter files for a scenario and a city of one's own."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from talent_sd.cli.common import reporting, say
from talent_sd.cli.options import LangOption, Language


class Kind(StrEnum):
    """What can be started."""

    scenario = "scenario"
    city = "city"


@reporting
def new(
    kind: Annotated[Kind, typer.Argument(help="What to start: scenario or city.")],
    name: Annotated[str, typer.Argument(help="Its name, or the path of the .yaml file to write.")],
    extends: Annotated[
        str | None, typer.Option("--extends", help="Scenario to start from: a shipped one or a path.")
    ] = None,
    lang: LangOption = Language.en,
) -> None:
    """Write a commented starter file, ready to edit.

    A scenario runs as it stands; every policy with its timing, strength, limits and unit, assumptions and
    shocks wait in comments. A city holds no invented number: `check` lists what is still to be filled in.

    Example:  [bold]talent-sd new scenario my_plan --extends hefei_combination[/bold]
    Example:  [bold]talent-sd new city nanjing[/bold]
    """
    from talent_sd.base.errors import InputError
    from talent_sd.base.language import tell
    from talent_sd.output.starter_files import starter_path, write_starter

    path = starter_path(name, kind.value)
    if kind is Kind.city:
        if extends is not None:
            raise InputError(tell("--extends goes with a scenario, not with a city. Leave it out."))
        text = _city(path, lang.value)
    else:
        text = _scenario(path, extends or "baseline", lang.value)
    write_starter(path, text)
    say(tell("Written: {file}. Next: talent-sd check {file}", lang.value, file=path))


def _scenario(path: Path, extends: str, lang: str) -> str:
    """Return the text of a scenario that starts from another."""
    from talent_sd.engine.runner import load_model, model_constants
    from talent_sd.inputs import load_scenario
    from talent_sd.inputs.labels import shipped_labels
    from talent_sd.inputs.shipped_names import shipped_names
    from talent_sd.output.starter_files import scenario_starter

    model, parent = load_model(), load_scenario(extends)
    shipped = extends in shipped_names("scenario") and not Path(extends).is_file()
    # a file is named as seen from the folder of the new one
    named = extends if shipped else os.path.relpath(parent.paths[-1], path.resolve().parent)
    own = model_constants(model)
    return scenario_starter(path, parent, named, model.structure, own, shipped_labels(), lang)


def _city(path: Path, lang: str) -> str:
    """Return the text of a city to fill in."""
    from talent_sd.inputs import read_mapping
    from talent_sd.model.read import shipped_structure
    from talent_sd.output.starter_files import city_starter

    structure = shipped_structure()
    return city_starter(path, read_mapping(), int(structure.time["INITIAL TIME"]), lang)
