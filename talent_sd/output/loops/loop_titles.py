"""What loops and their pictures are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talent_sd.attribution.coalitions import PART
from talent_sd.base.dims import DRAW, TIME
from talent_sd.base.labels import Labels
from talent_sd.base.words import word
from talent_sd.loops.loop_names import LoopNames

if TYPE_CHECKING:
    from talent_sd.loops.feedback_loops import LoopStudy
    from talent_sd.loops.loops_of_model import ModelStudy


def loop_sign(names: LoopNames, number: int) -> str:
    """Return R1, R2, ..., B1, ...: polarity and count among its kind, in the file's order."""
    loop = names.loops[number]
    return f"{loop.polarity}{sum(other.polarity == loop.polarity for other in names.loops[: number + 1])}"


def output_name(study: LoopStudy, labels: Labels, lang: str) -> str:
    """Return what the split output is called, with its elements if not all of them are meant."""
    adds = study.adds
    name = labels.variable(str(adds.attrs["of"]), lang)
    chosen = [dim for dim in adds["share"].dims if dim not in (PART, DRAW, TIME) and adds.sizes[dim] == 1]
    return " · ".join([name, *(labels.element(str(adds[dim].values[0]), lang) for dim in chosen)])


def subtitle(study: LoopStudy | ModelStudy, lang: str) -> str:
    """Return city and scenario, and what they are held against."""
    about = study.shares.attrs
    if "city" not in about:
        return word("loops.model", lang, model=about["model"])
    city, scenario, against = (about[f"{what}_{lang}"] for what in ("city", "scenario", "against"))
    if against:
        return word("loops.against", lang, city=city, scenario=scenario, against=against)
    return word("loops.alone", lang, city=city, scenario=scenario)


def loops_source(study: LoopStudy | ModelStudy, lang: str) -> str:
    """Return where a picture's numbers come from; with several draws, that they are means of so many."""
    about = study.shares.attrs
    key = "loops.source" if "city" in about else "loops.source_model"
    line = word(key, lang, source=about["source"], model=about["model"], hash=about["model_sha256"][:8])
    draws = study.shares.sizes["draw"]
    return line + (word("loops.draws", lang, draws=draws) if draws > 1 else "")
