"""CSV tables."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from talent_sd.base.errors import InputError
from talent_sd.base.files import obeyed_by_none
from talent_sd.inputs.strict_yaml import read_text, shown

if TYPE_CHECKING:
    import pandas as pd


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV table.

    Raises
    ------
    InputError
        If the file cannot be read, or is no table.
    """
    import pandas as pd

    try:
        return pd.read_csv(io.StringIO(obeyed_by_none(read_text(path))))
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(
            "{file}:1: not a CSV table: {reason}. Save it as comma-separated text.",
            file=shown(path),
            reason=" ".join(str(error).split()),
        ) from None
