"""What kind of file a YAML file is, so that one given in the wrong place is told in one message."""

from __future__ import annotations

from pathlib import Path

from talent_sd.base.errors import InputError
from talent_sd.base.messages import tell
from talent_sd.inputs.strict_yaml import Node

MODEL_ENDINGS = (".mdl", ".xmile", ".xml", ".stmx")
TELLING = {
    "city": {"province", "region", "figures"},
    "national": {"variables", "until"},
    "scenario": {"policies", "assumptions", "shocks", "claims", "finding", "question", "context", "extends"},
    "loops": {"segments", "loops", "diagram"},
    "checks": {"checks"},
    "priors": {"parameters"},
}
"""Keys that a kind of file has. Those that several have tell nothing."""
PARTS_OF_A_MODEL = ("loops", "checks", "priors", "evidence")


def kind_of(tree: Node) -> str | None:
    """Return the kind of file that a tree's keys tell of; None where they tell of none, or of two."""
    if not isinstance(tree.value, dict):
        return None
    keys = set(tree.value)
    if isinstance(figures := getattr(tree.value.get("figures"), "value", None), list) and figures:
        return "evidence"
    found = {kind: len(keys & own) for kind, own in TELLING.items() if keys & own}
    # a national path may have a question and extend another, as a scenario does
    if "national" in found and "variables" in keys:
        found.pop("scenario", None)
    return next(iter(found)) if len(found) == 1 else None


def refuse_other_kind(tree: Node, wanted: str, file: str) -> None:
    """Refuse a file of another kind than what is wanted in its place.

    Parameters
    ----------
    wanted : "scenario", "city" or "national"
    file : as messages show it

    Raises
    ------
    InputError
        With one line that says what it is and where it belongs.
    """
    found = kind_of(tree)
    if found is not None and found != wanted:
        raise InputError(_misplaced(file, found, wanted))


def part_of_a_model(tree: Node, file: str) -> str | None:
    """Return what to say of a file that belongs to a model and is checked with it; None of all others."""
    found = kind_of(tree)
    if found not in PARTS_OF_A_MODEL:
        return None
    return tell(
        "{file}: this is {found}, which belongs to a model. `check` reads scenario, city, national and model files; "
        "`talent-sd validate` reads this one.",
        file=file,
        found=_kinds()[found],
    )


def refuse_model_file(path: str | Path, wanted: str) -> None:
    """Refuse a model file where a YAML file is wanted; errors as for `refuse_other_kind`."""
    if Path(path).suffix.lower() in MODEL_ENDINGS and Path(path).is_file():
        raise InputError(_misplaced(str(path), "model", wanted))


def _misplaced(file: str, found: str, wanted: str) -> str:
    remedies = {
        "scenario": tell(" Give it as the command's scenario."),
        "city": tell(" Give it with --city."),
        "national": tell(" Give it with --national."),
        "model": tell(" For its loops: `talent-sd loops {file}`; from Python: load_model.", file=file),
    }
    kinds = _kinds()
    return tell(
        "{file}: this is {found}, not {wanted}.{remedy}",
        file=file,
        found=kinds[found],
        wanted=kinds[wanted],
        remedy=remedies.get(found, ""),
    )


def _kinds() -> dict[str, str]:
    """Return kinds of files in the user's language."""
    return {
        "scenario": tell("a scenario"),
        "city": tell("a city file"),
        "national": tell("a national path"),
        "loops": tell("a file of loops"),
        "checks": tell("a file of checks"),
        "priors": tell("a file of ranges of constants"),
        "evidence": tell("a ledger of evidence"),
        "model": tell("a model"),
    }
