"""`talent-sd loops` as users type it."""

import csv
import re
from pathlib import Path

import pytest
from PIL import Image

MODEL = "tests/loops/models/workforce.mdl"


def rows(file):
    with file.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def written(tmp_path_factory, talent_sd):
    folder = tmp_path_factory.mktemp("loops")
    result = talent_sd("loops", "hefei_combination", "--city", "hefei", "--out", str(folder), "--no-plots")
    assert result.code == 0, result.err
    return folder, result.out


def test_it_writes_the_shares_and_the_split_that_adds_up(written):
    folder, _ = written
    assert sorted(file.name for file in folder.iterdir()) == ["attribution.csv", "loops.csv"]
    last = [row for row in rows(folder / "attribution.csv") if row["year"] == "2034"]
    start, *parts, end = (float(row["adds"]) for row in last)
    assert len(parts) == 15
    assert sum(parts) == pytest.approx(end - start, rel=1e-9)
    shares = [row for row in rows(folder / "loops.csv") if not row["loop"].startswith("(")]
    assert {row["state"] for row in shares if row["year"] == "2022"} == {"at rest"}
    late = [row for row in shares if row["year"] == "2030"]
    assert sum(abs(float(row["share"])) for row in late) == pytest.approx(1)
    assert all(float(row["share"]) * (1 if row["polarity"] == "R" else -1) >= 0 for row in late)


def test_all_kinds_of_loops_add_up_to_all_activity(written):
    folder, output = written
    of_2030 = [row for row in rows(folder / "loops.csv") if row["year"] == "2030"]
    others = {row["loop"]: float(row["share"]) for row in of_2030 if row["loop"].startswith("(")}
    assert list(others) == ["(other routes)", "(turnover)", "(no name)"]
    assert 0.05 < 1 - sum(others.values()) < 0.2
    assert "stocks' own turnover and replacement" in output
    assert "loops without a name" in output


def test_the_words_tell_the_numbers_of_the_files(written):
    folder, output = written
    shares = {
        row["loop"]: abs(float(row["share"])) for row in rows(folder / "loops.csv") if row["year"] == "2033"
    }
    shares = {name: share for name, share in shares.items() if not name.startswith("(")}
    assert f" {max(shares.values()):.0%}".replace("%", " %") in re.search("2033: .*", output)[0]
    start, *_, end = (float(r["adds"]) for r in rows(folder / "attribution.csv") if r["year"] == "2034")
    told = re.search(
        r"Total talent in 2034, one central run: the change is \+([\d.]+) thousand people, of it \+([\d.]+) direct "
        r"and \+([\d.]+) through the loops",
        output,
    )
    whole, direct, looped = (float(number) for number in told.groups())
    assert whole == pytest.approx(direct + looped, abs=0.15)
    assert looped == pytest.approx((end - start) / 1000, abs=0.05)


def test_an_unknown_output_is_one_message(talent_sd, tmp_path):
    result = talent_sd("loops", "baseline", "--of", "total talents", "--out", str(tmp_path / "new"))
    assert result.code == 2
    assert "no variable 'total talents'. Did you mean 'total talent'?" in result.out + result.err
    assert not (tmp_path / "new").exists()


def test_any_model_file_gets_its_loops_and_pictures(talent_sd, tmp_path):
    result = talent_sd("loops", MODEL, "--out", str(tmp_path))
    assert result.code == 0, result.err
    assert "The model has 8 loops; the 7 strongest are shown." in result.out + result.err
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "dominance.png", "feedback_loops.png", "feedback_loops.svg", "loops.csv", "stock_and_flow.png", "stock_and_flow.svg"]  # fmt: skip
    with Image.open(tmp_path / "feedback_loops.png") as picture:
        assert picture.size[0] == 1654
        assert 1000 < picture.size[1] < 2280  # A4 at most


def test_a_model_at_rest_says_so_instead_of_printing_nan(talent_sd, tmp_path):
    result = talent_sd("loops", "tests/loops/models/rest.mdl", "--out", str(tmp_path), "--no-plots")
    assert result.code == 0
    assert "The model is at rest: nothing moves, so no loop scores (0/0)." in result.out + result.err
    assert "nan" not in result.out + result.err.casefold()
    assert {row["state"] for row in rows(tmp_path / "loops.csv")} == {"at rest"}


def test_a_model_that_runs_to_nan_is_one_message_with_variable_and_year(talent_sd, tmp_path):
    file = tmp_path / "breaks.mdl"
    text = Path("tests/loops/models/logistic.mdl").read_text("utf-8")
    broken = text.replace("room= 1", "room= SQRT(3 - Time) * 1", 1)
    assert broken != text
    file.write_text(broken, encoding="utf-8")
    result = talent_sd("loops", str(file), "--out", str(tmp_path / "new"))
    assert result.code == 2
    message = "breaks.mdl: 'room' is nan at 3.25: its loops cannot be scored."
    assert (result.out + result.err).startswith(message)
    assert not (tmp_path / "new").exists()


def test_options_of_the_city_are_refused_for_another_model_rather_than_dropped(talent_sd, tmp_path):
    result = talent_sd("loops", MODEL, "--city", "hefei", "--of", "unknown", "--out", str(tmp_path / "new"))
    assert result.code == 2
    assert (result.out + result.err) == (
        "--city, --of: only for the city model; workforce.mdl is another one. Leave out: --city, --of.\n"
        "Nothing was simulated.\n"
    )


def test_the_baseline_by_its_path_is_the_baseline(talent_sd, tmp_path):
    result = talent_sd("loops", "scenarios/baseline.yaml", "--out", str(tmp_path), "--no-plots")
    assert result.code == 0, result.err
    assert "what feedback adds to the same run with all loops cut" in result.out


def test_an_element_of_an_output_is_split_alone(talent_sd, tmp_path):
    result = talent_sd("loops", "baseline", "--of", "Talent[leading]", "--out", str(tmp_path), "--no-plots")
    assert result.code == 0, result.err
    assert "Talent · Leading in 2034" in result.out + result.err
    assert {row["subscript"] for row in rows(tmp_path / "attribution.csv")} == {"leading"}


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (
            "Talent[leadin]",
            "'Talent[leadin]': tier has no element 'leadin'. Did you mean 'leading'? It has: leading, professional, "
            "skilled, graduate.",
        ),
        (
            "total talent[leading]",
            "'total talent[leading]': total talent has 0 subscripts (–). Write as many elements, or the name alone.",
        ),
    ],
)
def test_an_element_that_is_not_there_is_one_message(talent_sd, tmp_path, of, message):
    result = talent_sd("loops", "baseline", "--of", of, "--out", str(tmp_path / "new"))
    assert result.code == 2
    assert (result.out + result.err).splitlines() == [message, "Nothing was simulated."]
    assert not (tmp_path / "new").exists()
