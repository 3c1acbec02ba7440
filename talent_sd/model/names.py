"""Names as Vensim and XMILE compare them: case, quotes, spaces and underscores do not matter."""

from __future__ import annotations

import re

_BLANKS = re.compile(r"[\s_]+")


def name_key(name: str) -> str:
    """Return the form in which two spellings of one name are equal.

    >>> name_key('"Room  Temperature"') == name_key("room_temperature")
    True
    >>> name_key("人才 存量")
    '人才_存量'
    """
    return _BLANKS.sub("_", unquoted(name).strip()).lower()


def unquoted(name: str) -> str:
    r"""Return a name without the quotes that Vensim needs around special characters.

    >>> unquoted('"R&D share"')
    'R&D share'
    """
    name = name.strip()
    if len(name) >= 2 and name[0] == name[-1] == '"':
        name = name[1:-1].replace('\\"', '"')
    return name
