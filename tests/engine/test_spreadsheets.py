"""What models read from spreadsheets beside them: the native engine and PySD read the same numbers."""

import numpy as np
import pandas as pd
import pytest

from talent_sd.base.errors import EngineNotice, ModelError
from talent_sd.engine.runner import load_model

TABLE = [["t", 2010, 2012, 2014], ["a", 1, 3, 7], ["b", 10, 30, 70], [""] * 4, ["x", 0, 1, 2], ["y", 5, 6, 8]]
CLOCK = "INITIAL TIME=2009~~|FINAL TIME=2015~~|TIME STEP=1~~|SAVEPER=1~~|"
RANGES = "D:A1,A2~~|E:B1,B2,B3~~|"


@pytest.fixture
def model_of(tmp_path, monkeypatch):
    monkeypatch.setenv("TALENT_SD_CACHE", str(tmp_path / "cache"))
    (tmp_path / "f.csv").write_text("\n".join(",".join(map(str, row)) for row in TABLE))
    pd.DataFrame(TABLE).to_excel(tmp_path / "f.xlsx", sheet_name="T", header=False, index=False)

    def load(lines, kind="DIRECT"):
        at = "'f.csv',','" if kind == "DIRECT" else "'f.xlsx','T'"
        (tmp_path / "m.mdl").write_text(
            "{UTF-8}\n" + RANGES + lines.format(kind=f"GET {kind}", at=at) + CLOCK
        )
        return load_model(tmp_path / "m.mdl")

    return load


pytestmark = [
    pytest.mark.filterwarnings("ignore::talent_sd.base.errors.NonFiniteWarning"),
    pytest.mark.filterwarnings("ignore::talent_sd.base.errors.RangeNotice"),  # data keep their last value
]
LINES = {
    "one={kind} CONSTANTS({at},'C2')": 3,
    "row[E]={kind} CONSTANTS({at},'B2')": [1, 3, 7],
    "column[D]={kind} CONSTANTS({at},'B2*')": [1, 10],
    "table[D,E]={kind} CONSTANTS({at},'B2')": [[1, 3, 7], [10, 30, 70]],
    "turned[E,D]={kind} CONSTANTS({at},'B2*')": [[1, 10], [3, 30], [7, 70]],
    "part[A1]={kind} CONSTANTS({at},'C2')~~|part[A2]=5": [3, 5],
    "series[D]:={kind} DATA({at},'1','B2')": [[1, 10], [1, 10], [2, 20], [3, 30], [5, 50], [7, 70], [7, 70]],
    "back:HOLD BACKWARD::={kind} DATA({at},'1','B2')": [1, 1, 1, 3, 3, 7, 7],
    "on:LOOK FORWARD::={kind} DATA({at},'1','B2')": [1, 1, 3, 3, 7, 7, 7],
    "l={kind} LOOKUPS({at},'5','B6')~~|looked=l((Time-2010)/2)": [5, 5, 5.5, 6, 7, 8, 8],
}
NAMES = ["one", "row", "column", "table", "turned", "part", "series", "back", "on", "looked"]


@pytest.mark.parametrize(
    ("kind", "engines"), [("DIRECT", ("kernel", "arrays", "pysd")), ("XLS", ("kernel",))]
)
def test_cells_are_read_once_and_run_natively(model_of, kind, engines):
    model = model_of("~~|".join(LINES) + "~~|", kind)
    assert model.lacks == ""
    for engine in engines:
        run = model.run(engine=engine)
        for name, expected in zip(NAMES, LINES.values(), strict=True):
            whole = np.broadcast_to(expected, run[name].shape)
            np.testing.assert_allclose(run[name], whole, rtol=1e-12, err_msg=f"{name} {engine}")


def test_what_is_read_can_be_given_instead(model_of):
    model = model_of("c={kind} CONSTANTS({at},'C2')~~|d:={kind} DATA({at},'1','B2')~~|x=c*d~~|")
    assert (
        model.run({"c": 2}, {"d": pd.Series([4.0], [2010.0])}, outputs=["x"])["x"].values.tolist() == [8] * 7
    )


def test_an_edited_spreadsheet_is_read_anew(model_of, tmp_path):
    lines = "x={kind} CONSTANTS({at},'C2')~~|"
    assert model_of(lines).run(outputs=["x"])["x"][0] == 3
    (tmp_path / "f.csv").write_text("t,1,2\na,8,9\n")
    assert model_of(lines).run(outputs=["x"])["x"][0] == 9


def test_raw_data_are_left_to_pysd(model_of):
    model = model_of("x:RAW::={kind} DATA({at},'1','B2')~~|")
    with pytest.warns(
        EngineNotice, match=r"m.mdl:2: 'x' reads data that are :RAW:, which the native engine lacks"
    ):
        run = model.run(outputs=["x"], initial_time=2010, final_time=2014)
    np.testing.assert_array_equal(run["x"], [1, np.nan, 3, np.nan, 7])


@pytest.mark.filterwarnings("ignore::talent_sd.base.errors.NonFiniteWarning")
@pytest.mark.parametrize(("lines", "message"), [
    ("x=GET DIRECT CONSTANTS('none.csv',',','B2')~~|", "m.mdl:2: 'x': reads the file 'none.csv', which cannot be opened. Put it beside the model."),
    ("x={kind} CONSTANTS({at},'H9')~~|", "m.mdl:2: 'x': reads numbers at H9 of f.csv, and there are none. Check file, tab and cells."),
    ("x={kind} CONSTANTS({at},'A2')~~|", "m.mdl:2: 'x': reads numbers at A2 of f.csv, and there are none. Check file, tab and cells."),
    ("x:={kind} DATA({at},'9','B2')~~|", "m.mdl:2: 'x': reads numbers at 9 / B2 of f.csv, and there are none. Check file, tab and cells."),
])  # fmt: skip
def test_cells_that_hold_nothing_are_told_with_their_line(model_of, lines, message):
    with pytest.raises(ModelError) as caught:
        model_of(lines)
    assert str(caught.value) == message


def test_a_workbook_that_unpacks_to_far_more_is_refused(model_of, tmp_path, monkeypatch):
    import zipfile

    monkeypatch.setattr("talent_sd.model.spreadsheets.MOST_UNPACKED", 2_000_000)
    with zipfile.ZipFile(tmp_path / "f.xlsx", "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("big", b" " * 3_000_000)
    with pytest.raises(
        ModelError, match=r"^m.mdl:2: 'x': reads the file 'f.xlsx' of \d+ bytes. At most 20000000 are"
    ):
        model_of("x={kind} CONSTANTS({at},'C2')~~|", "XLS")
