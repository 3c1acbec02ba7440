"""What several test folders share."""

from __future__ import annotations

import gettext
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from talent_sd.base.files import shipped_folder
from talent_sd.base.language import CONTEXT, _catalogue
from talent_sd.inputs.labels import Labels, Sector

TIERS = ("leading", "professional", "skilled", "graduate")


def _invented_forecast(scenarios: tuple[str, ...] = ("baseline",), draws: int = 1) -> xr.Dataset:
    """Make up a forecast of the model's form: smooth paths with known values, spread if drawn."""
    years = np.arange(2022.0, 2035.0)
    growth = (years - 2022.0)[None, None, :] * (1 + 0.15 * np.arange(len(scenarios)))[:, None, None]
    spread = np.random.default_rng(1).normal(0, 0.01, (1, draws, 1)) * (years - 2022.0) * (draws > 1)

    def path(start: float, rate: float) -> np.ndarray:
        return start * np.exp(rate * growth + spread)

    tiers = np.stack(
        [path(s, r) for s, r in ((520, 0.03), (4.1e5, 0.022), (1.31e6, 0.01), (1.52e6, 0.035))], -1
    )
    balance = 2.1e10 * (1 - 0.12 * growth + spread)
    dims = ("scenario", "draw", "time")
    units = {
        "Talent": "person",
        "invention patents": "patent/year",
        "tax base": "yuan/year",
        "social security balance": "yuan/year",
        "years of balance": "year",
        "City Brand": "1",
    }
    arrays = {
        "invention patents": path(9.8e3, 0.07),
        "tax base": path(2.6e11, 0.05),
        "social security balance": balance,
        "years of balance": 14 - 0.6 * growth + spread,
        "City Brand": path(1.0, 0.004),
    }
    data = {"Talent": ((*dims, "tier"), tiers), **{name: (dims, values) for name, values in arrays.items()}}
    coords = {"scenario": list(scenarios), "draw": np.arange(draws), "time": years, "tier": list(TIERS)}
    titles = {
        "baseline": ("Baseline", "基准情景"),
        "cash_subsidy_only": ("Cash subsidy only", "仅发补贴"),
        "hefei_combination": ("Hefei-style combination", "合肥式组合拳"),
    }
    attrs = {
        "city": "hefei",
        "city_en": "Hefei",
        "city_zh": "合肥",
        "forecast_from": 2024.0,
        "model": "city.mdl",
        "model_sha256": "0123456789abcdef",
        "source": "talent_sd 0.1.0",
    }
    for number, lang in enumerate(("en", "zh")):
        coords[f"title_{lang}"] = ("scenario", [titles[name][number] for name in scenarios])
    dataset = xr.Dataset(data, coords, attrs)
    for name, unit in units.items():
        dataset[name].attrs.update(units=unit, long_name=name)
    return dataset


@pytest.fixture(name="invented_forecast", scope="session")
def invented_forecast_fixture() -> object:
    """Give the maker of invented forecasts: (scenarios, draws) -> dataset."""
    return _invented_forecast


@pytest.fixture(name="invented_labels", scope="session")
def invented_labels_fixture() -> Labels:
    """Labels of the invented forecast."""
    names = {
        "Talent": ("Talent by tier", "各层次人才"),
        "invention patents": ("Invention patents granted", "发明专利授权"),
        "tax base": ("Tax base (enterprise profit)", "税基（企业利润）"),
        "social security balance": ("Social-security balance", "社保当期结余"),
        "years of balance": ("Years the fund lasts", "社保基金可支撑年数"),
        "City Brand": ("City brand", "城市品牌"),
    }
    elements = {
        "leading": ("Leading", "领军人才"),
        "professional": ("Professional", "专业人才"),
        "skilled": ("Skilled", "技能人才"),
        "graduate": ("Graduate", "高校毕业生"),
    }

    def both(pairs: dict[str, tuple[str, str]]) -> dict[str, dict[str, str]]:
        return {name: {"en": en, "zh": zh} for name, (en, zh) in pairs.items()}

    panels = (("tax base", "social security balance"), ("years of balance",))
    sector = Sector("fiscal", {"en": "Public money", "zh": "财政"}, panels)
    return Labels(both(names), both(elements), (sector,), tuple(names))


class _Missing(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        assert message.startswith(f"foreign{CONTEXT}"), (
            f"told in Chinese, but not in the catalogue: {message!r}"
        )
        return message


@pytest.fixture(scope="session", autouse=True)
def _whatever_is_told_in_chinese_is_in_the_catalogue() -> None:
    _catalogue("zh").add_fallback(_Missing())


@pytest.fixture
def place() -> Callable[[str, str], str]:
    """Where a shipped scenario sets a policy: file and line, which move with its finding."""

    def of(scenario: str, policy: str) -> str:
        lines = (shipped_folder("scenarios") / f"{scenario}.yaml").read_text("utf-8").splitlines()
        (line,) = (number for number, text in enumerate(lines, 1) if text.startswith(f"  {policy}:"))
        return f"{scenario}.yaml:{line}"

    return of
