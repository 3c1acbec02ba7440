"""Find the model and scenario files that ship with the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def shipped_folder(name: str) -> Path:
    """Folder `models` or `scenarios`: beside the checkout's package, else the wheel's copy.

    A wheel carries the folders inside the package (`talent_sd/shipped/`). In an
    editable install a build back end may leave a stale copy there, so the
    checkout's own folder wins whenever the package lies in a checkout.

    Raises
    ------
    FileNotFoundError
        If neither exists: the installation is broken.
    """
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent
    candidates = [package / "shipped" / name]
    if (checkout / "pyproject.toml").is_file():
        candidates.insert(0, checkout / name)
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installed package has no folder '{name}'; reinstall talent_sd")
