"""Find scenario, city and national files by name or path."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from talent_sd.base.errors import InputError, nearest
from talent_sd.base.files import shipped_folder
from talent_sd.base.language import LANGUAGES, N_, listed, reason_of, tell
from talent_sd.inputs.strict_yaml import read_yaml

_SUFFIXES = (".yaml", ".yml")
FILE_KINDS = {
    "city": N_("city"), "model": N_("model"), "national": N_("national path"), "reading": N_("reading"),
    "scenario": N_("scenario"),
}  # fmt: skip
_FOLDERS = {
    "scenario": ("scenarios", ""), "city": ("scenarios", "cities"), "national": ("scenarios", "national"),
    "reading": ("models", "readings"),
}  # fmt: skip


def folder_of(kind: str) -> Path:
    """Return the shipped folder of "scenario", "city", "national" or "reading" files."""
    folder, inner = _FOLDERS[kind]
    return shipped_folder(folder) / inner


def shipped_names(kind: str) -> tuple[str, ...]:
    """Return the names of the shipped files of a kind, sorted."""
    return tuple(sorted(path.stem for path in folder_of(kind).glob("*.yaml")))


@cache
def shipped_titles(kind: str) -> dict[str, str]:
    """Return what the shipped files of a kind are called, in both languages, and their names.

    >>> shipped_titles("city")["合肥"], shipped_titles("scenario")["合肥式组合拳"]
    ('hefei', 'hefei_combination')
    """
    titles: dict[str, str] = {}
    for name in shipped_names(kind):
        top = read_yaml(folder_of(kind) / f"{name}.yaml").plain()
        assert isinstance(top, dict)
        told = top["name" if kind == "city" else "title"]
        titles |= {told[lang]: name for lang in LANGUAGES}
    return titles


def shipped_name(name: str | Path, kind: str) -> str | Path:
    """Return the name of the shipped file that a title stands for; anything else as it is.

    A city may be called by its Chinese name with or without 市. A file of the user's wins.

    >>> shipped_name("合肥市", "city"), shipped_name("my.yaml", "city")
    ('hefei', 'my.yaml')
    """
    if isinstance(name, Path) or name.isascii() or len(name) > 100 or Path(name).exists():
        return name
    titles = shipped_titles(kind)
    return titles.get(name) or titles.get(name.removesuffix("市"), name)


def find_file(name: str | Path, kind: str, beside: Path | None = None, where: str = "") -> Path:
    """Return the file that a name or path stands for.

    A path to the user's own file wins over a shipped name. A bare name inside a
    file (`beside` is that file) is a shipped one first, then a neighbour: a copy of
    `baseline.yaml` that says `extends: baseline` extends the shipped one.

    Parameters
    ----------
    name : a shipped name such as "hefei", or a path
    kind : "scenario", "city", "national" or "reading"
    beside : the file that refers to `name`, whose folder relative paths start from
    where : "file:line: " put before a message

    Raises
    ------
    InputError
        If there is none, with the nearest shipped name; or if a folder on the way cannot be entered.
    """
    try:
        return _found(name, kind, beside, where)
    except OSError as error:
        reason = reason_of(error).lower()
        raise InputError(
            "{where}{name}: cannot be read ({reason}). Check the path.", where=where, name=name, reason=reason
        ) from None


def _found(name: str | Path, kind: str, beside: Path | None, where: str) -> Path:
    """Look in the places that `find_file` tells of."""
    text = str(shipped_name(name, kind))
    if len(text) > 1000 or "\0" in text:
        raise InputError(
            "{where}'{text}…' is no name of a {kind}. Give a name or a path.",
            where=where,
            text=text[:20],
            kind=tell(FILE_KINDS[kind]),
        )
    if not text.strip():
        raise InputError(
            "{where}the {kind} has no name. Give a shipped name or a path.",
            where=where,
            kind=tell(FILE_KINDS[kind]),
        )
    path = Path(text)
    if beside is not None and not path.is_absolute():
        path = beside.parent / path
    looks_like_path = path.suffix.lower() in _SUFFIXES or len(Path(text).parts) > 1
    shipped = folder_of(kind) / f"{text.removeprefix(kind + '/')}.yaml"
    is_shipped = text.removeprefix(kind + "/") in shipped_names(kind)
    if beside is None and path.is_file():
        return path
    if is_shipped:
        return shipped
    if where and looks_like_path and path.is_dir():
        raise InputError(
            "{where}{text}: this is a folder, not a file. Give the path of a file in it.",
            where=where,
            text=text,
        )
    if path.exists() and (looks_like_path or path.is_file() or beside is None):
        return path  # a folder too: reading it says what is wrong with it
    neighbour = path.with_name(path.name + ".yaml")
    if not looks_like_path and neighbour.is_file():
        return neighbour
    if looks_like_path and path.suffix.lower() in _SUFFIXES:
        raise InputError("{where}{text}: no such file. Check the path.", where=where, text=text)
    # a Chinese name is held against the titles; reading them for an English one would be for nothing
    names = shipped_names(kind) if text.isascii() else tuple(shipped_titles(kind))
    hint = nearest(text.removeprefix(kind + "/"), names)
    known = listed(shipped_names(kind)) or tell("none")
    raise InputError(
        "{where}unknown {kind} '{text}'.{hint} Shipped: {known}; or give a path to a .yaml file.",
        where=where,
        kind=tell(FILE_KINDS[kind]),
        text=text,
        hint=hint,
        known=known,
    )
