"""What ships ready made of the shipped model is what this code makes of it, and serves no other file."""

import importlib.util
from pathlib import Path

import pytest

from talent_sd.base import cache
from talent_sd.base.files import shipped_folder
from talent_sd.model import read

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / ".ci").is_dir(), reason="not in a checkout")


@pytest.fixture
def compiled():
    """Give the files as this code makes them."""
    spec = importlib.util.spec_from_file_location("ship_program", ROOT / ".ci" / "ship_program.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.compiled()


def test_what_ships_is_what_this_code_makes(compiled):
    folder = shipped_folder("models") / "compiled"
    assert {file.name for file in folder.iterdir()} == {file.name for file in compiled}, (
        "run .ci/ship_program.py"
    )
    for file, content in compiled.items():
        assert file.read_bytes() == content, f"run .ci/ship_program.py: {file.name} is another"


def test_the_shipped_model_is_not_read_again_and_another_is(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "cache"))
    seen = []
    monkeypatch.setattr(read, "translate", lambda path: seen.append(path) or pytest.fail("read"))
    city = shipped_folder("models") / "city.mdl"
    assert "Residents" in read.read_structure(city).variables
    assert not list((tmp_path / "cache").glob("*")), "the user's cache holds nothing of it"
    other = tmp_path / "city.mdl"
    other.write_bytes(city.read_bytes() + b" ")
    with pytest.raises(pytest.fail.Exception):
        read.read_structure(other)
    assert seen == [other]


def test_a_damaged_one_is_not_used(tmp_path, monkeypatch):
    city = shipped_folder("models") / "city.mdl"
    key = cache.content_key(city, city.read_bytes())
    damaged = tmp_path / "models" / "compiled"
    damaged.mkdir(parents=True)
    content = cache.shipped_file("structure", key).read_bytes()
    (damaged / cache.shipped_file("structure", key).name).write_bytes(content[:-1] + b"]")
    monkeypatch.setattr(cache, "shipped_folder", lambda name: tmp_path / name)
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "cache"))
    assert cache.load_cached("structure", key) is None
