"""Draw the shipped stock-and-flow pictures anew, after stocks, flows or their labels changed (a minute each).

    python .ci/draw_stock_flow.py

While they are out of step, `talent-sd loops` draws its own, once, and keeps it.
"""

from pathlib import Path

from talent_sd.analysis.stock_flows import stock_flows
from talent_sd.base.labels import shipped_labels
from talent_sd.engine.runner import load_model
from talent_sd.output.stock_flow import save_stock_flow

MODELS = Path(__file__).resolve().parents[1] / "models"

if __name__ == "__main__":
    parts = stock_flows(load_model().program)
    for lang in ("en", "zh"):
        save_stock_flow(parts, shipped_labels(), lang, MODELS / f"stock_and_flow_{lang}.svg")
