"""The stock-and-flow picture, drawn by pysimlin."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from talent_sd.analysis.stock_flows import CHANGE, Flow, StockFlows
from talent_sd.base.cache import load_cached, save_cached
from talent_sd.base.errors import UnsupportedError
from talent_sd.base.labels import Labels
from talent_sd.base.messages import tell
from talent_sd.base.shipped import shipped_folder
from talent_sd.base.words import word

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n<xmile version="1.0" xmlns="http://docs.oasis-open.org/xmile/ns/XMILE/v1.0">'
    "<header><vendor>talent_sd</vendor><product>talent_sd</product></header>"
    "<sim_specs><start>0</start><stop>1</stop><dt>1</dt></sim_specs><model><variables>"
)
TAIL = "</variables></model></xmile>"


def save_stock_flow(
    parts: tuple[Sequence[StockFlows], Sequence[Flow]], labels: Labels, lang: str, file: Path
) -> None:
    """Write the stock-and-flow picture.

    Its layout takes pysimlin the better part of a minute: the shipped picture is taken where it shows
    this very model, and a new one is kept for the next time.

    Raises
    ------
    UnsupportedError
        If the picture is new and pysimlin is not installed.
    """
    key = hashlib.sha256(skeleton(*parts, labels, lang).encode()).hexdigest()
    shipped = shipped_folder("models") / f"stock_and_flow_{lang}.svg"
    text = shipped.read_text("utf-8") if shipped.is_file() else ""
    if not text.startswith(_mark(key)):
        kept = load_cached("stock_flow", key)
        text = kept["svg"] if isinstance(kept, dict) and isinstance(kept.get("svg"), str) else ""
    if not text:
        text = _mark(key) + stock_flow_svg(*parts, labels, lang).decode("utf-8")
        save_cached("stock_flow", key, {"svg": text})
    file.write_text(text, encoding="utf-8")


def _mark(key: str) -> str:
    return f"<!-- {key} -->\n"


def stock_flow_svg(
    stocks: Sequence[StockFlows], flows: Sequence[Flow], labels: Labels, lang: str = "en"
) -> bytes:
    """Draw stocks, flows and the stocks that flows read, laid out automatically.

    Parameters
    ----------
    stocks, flows : as `stock_flows` returns them
    labels : names of the variables

    Returns
    -------
    an SVG file's bytes

    Raises
    ------
    UnsupportedError
        If pysimlin is not installed: it has no wheel for every machine.
    """
    try:
        import simlin
    except ImportError:
        raise UnsupportedError(
            tell(
                "No stock-and-flow picture: it needs pysimlin, which is not installed here. Install it "
                "with: pip install 'talent_sd[check]' (not on Windows)."
            )
        ) from None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.xmile"
        file.write_text(skeleton(stocks, flows, labels, lang), encoding="utf-8")
        project = simlin.load(file).project
        assert project is not None  # it was just loaded from a file
        return bytes(project.render_svg("main"))


def skeleton(stocks: Sequence[StockFlows], flows: Sequence[Flow], labels: Labels, lang: str) -> str:
    """Write an XMILE model that has the stocks and flows, and equations that merely read what they read."""
    names: dict[str, str] = {}

    def named(variable: str) -> str:
        if variable not in names:
            prefix = CHANGE.partition("{")[0]
            own = labels.variable(variable.removeprefix(prefix), lang)
            text = word("loops.change_of", lang, stock=own) if variable.startswith(prefix) else own
            # two variables may share a label; XMILE folds case, so a stock and its flow must differ
            while text.casefold() in {other.casefold() for other in names.values()}:
                text += " *"
            names[variable] = text
        return names[variable]

    parts = [HEAD]
    for one in stocks:
        ends = [f"<inflow>{escape(_id(named(flow)))}</inflow>" for flow in one.inflows]
        ends += [f"<outflow>{escape(_id(named(flow)))}</outflow>" for flow in one.outflows]
        parts.append(f"<stock name={quoteattr(named(one.stock))}><eqn>1</eqn>{''.join(ends)}</stock>")
    for flow in flows:
        equation = " + ".join(f'"{named(stock)}"' for stock in flow.reads) or "1"
        parts.append(f"<flow name={quoteattr(named(flow.name))}><eqn>{escape(equation)}</eqn></flow>")
    return "".join([*parts, TAIL])


def _id(name: str) -> str:
    return f'"{name}"' if not name.replace(" ", "").replace("_", "").isalnum() else name.replace(" ", "_")
