"""A damaged model file is refused with a message, or runs; it never ends in a traceback."""

import random
import warnings
from pathlib import Path

import pytest

from talent_sd.base import cache
from talent_sd.base.errors import TalentError
from talent_sd.engine.runner import load_model

MODELS = sorted((Path(__file__).parent / "models").glob("*/model.*"))
SIGNS = '()[]~|,:=!"*+-^<>0a \n'


def damaged(text: str, chance: random.Random) -> str:
    """Return the text with a piece dropped, doubled, inserted or replaced, up to three times."""
    for _ in range(chance.choice([1, 1, 2, 3])):
        place = chance.randrange(len(text))
        way = chance.randrange(4)
        if way == 0:
            text = text[:place] + text[place + chance.randrange(1, 6) :]
        elif way == 1:
            start = chance.randrange(len(text))
            text = text[:place] + text[start : start + chance.randrange(1, 20)] + text[place:]
        else:
            text = text[:place] + chance.choice(SIGNS) + text[place + way - 2 :]
    return text


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.name)
def test_a_damaged_file_is_refused_with_a_message_or_runs(path, tmp_path, monkeypatch):
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "cache"))
    chance = random.Random(path.parent.name)
    refusals: list[str] = []
    copy = tmp_path / path.name
    for _ in range(12):
        copy.write_text(damaged(path.read_text("utf-8"), chance), encoding="utf-8")
        try:
            model = load_model(copy)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if model.structure.time.get("FINAL TIME", 0) < 1e4:
                    model.run(engine="arrays")
        except TalentError as error:
            refusals.append(str(error))
    assert refusals
    assert [text for text in refusals if copy.name not in text or "Traceback" in text] == []
