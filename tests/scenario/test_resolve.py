"""Resolution: order of priority, origins, invariants, and checks against the model."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talent_sd.base.errors import InputError
from talent_sd.inputs import check_file, load_scenario, resolve_scenario
from talent_sd.model.structure import Structure

Write = Callable[[str, str], Path]


def problems_of(scenario: str | Path, structure: Structure, city: str = "hefei", **more: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        resolve_scenario(scenario, city, structure, **more)
    return list(caught.value.problems)


def test_every_parameter_has_its_value_unit_and_origin(structure: Structure) -> None:
    resolved = resolve_scenario("hefei_combination", "hefei", structure)
    params = resolved.params()
    assert params["policy switch[industry_fund]"] == 1.0
    assert params["policy start[industry_fund]"] == 2025
    assert params["policy end[industry_fund]"] == 2030
    assert params["industry fund intensity"] == 0.03
    assert params["city residents"] == 9634000
    assert "policy switch[cash_subsidy]" not in params
    wage = resolved.values["city average wage"]
    assert wage.unit == "yuan/(person*year)"
    assert wage.origin.file == "scenarios/cities/hefei.yaml"
    assert wage.origin.text == (
        "average_wage 2021, × 1.067 as national average_wage to 2022; "
        "China City Statistical Yearbook; Anhui Statistical Yearbook; Hefei communiqués"
    )
    years, people = params["national residents path"]
    assert (years[0], years[-1], len(people)) == (2000.0, 2036.0, 37)
    fund = resolved.values["industry fund intensity"]
    assert str(fund.origin).startswith("scenarios/hefei_combination.yaml:")
    assert fund.change == "model's default -> 0.03"


def test_further_keys_of_a_policy_set_the_constants_named_after_it(
    structure: Structure, write: Write
) -> None:
    path = write("s.yaml", "title: S\npolicies:\n  cash_subsidy: {unit cost: 500, targeting: 0.5}\n")
    params = resolve_scenario(path, "wuxi", structure).params()
    assert params["cash subsidy unit cost"] == 500
    assert params["policy targeting[cash_subsidy]"] == 0.5
    wrong = "title: S\npolicies:\n  industry_fund: {effect: 2, budget share: 0.1, start: 2025}\n"
    known = "Known: from, until, ramp, size, pause, intensity, targeting."
    assert problems_of(write("t.yaml", wrong), structure) == [
        f"t.yaml:3: unknown setting 'effect' of policy industry_fund. {known}",
        f"t.yaml:3: unknown setting 'budget share' of policy industry_fund. {known}",
        f"t.yaml:3: unknown setting 'start' of policy industry_fund. {known}",
    ]


def test_a_pause_sets_when_the_policy_is_interrupted(structure: Structure, write: Write) -> None:
    path = write(
        "p.yaml",
        "title: P\npolicies:\n  industry_fund: {from: 2025, until: 2032, pause: {from: 2027, until: 2029}}\n",
    )
    params = resolve_scenario(path, "wuxi", structure).params()
    assert params["policy pause start[industry_fund]"] == 2027
    assert params["policy pause end[industry_fund]"] == 2029
    child = write(
        "c.yaml",
        "title: C\nextends: p.yaml\npolicies:\n  industry_fund: {pause: {from: 2026, until: 2029}}\n",
    )
    found = resolve_scenario(child, "wuxi", structure).values["policy pause start[industry_fund]"]
    assert found.change == "2027 (p.yaml:3) -> 2026"
    assert str(found.origin) == "c.yaml:4"


@pytest.mark.parametrize(
    ("pause", "message"),
    [
        ("{from: 2029, until: 2027}", "industry_fund.pause.until is 2027, not after from, 2029. Swap or mend them."),
        ("{from: 2040, until: 2041}", "industry_fund.pause.from is 2040, outside the run (2022 to before 2034). Move it."),
        ("{from: 2025, until: 2027}", "industry_fund.pause.from is 2025, not after industry_fund.from, 2025. Move it."),
        (
            "{from: 2027, until: 2032}",
            "industry_fund.pause.until is 2032, not before industry_fund.until, 2032. "
            "Move it, or end the policy earlier.",
        ),
        ("{from: 2027}", "the key 'until' is missing in industry_fund.pause. Add it."),
        ("{from: 2027, untill: 2028}", "unknown key 'untill' in industry_fund.pause. Did you mean 'until'?"),
        ("2027", "industry_fund.pause is 2027; give a mapping."),
    ],
)  # fmt: skip
def test_a_pause_outside_the_policys_life_is_refused(
    structure: Structure, write: Write, pause: str, message: str
) -> None:
    text = f"title: S\npolicies:\n  industry_fund: {{from: 2025, until: 2032, pause: {pause}}}\n"
    assert f"s.yaml:3: {message}" in problems_of(write("s.yaml", text), structure)


def test_what_the_source_claims_and_what_the_model_found_are_notes_of_the_file_itself(write: Write) -> None:
    write("p.yaml", "title: P\nclaims: {en: a lot, zh: 很多}\nfinding: some\n")
    child = write("c.yaml", "title: C\nextends: p.yaml\n")
    parent = load_scenario("p.yaml")
    assert (parent.claims, parent.finding) == ({"en": "a lot", "zh": "很多"}, {"en": "some", "zh": "some"})
    assert (load_scenario(child).claims, load_scenario(child).finding) == ({}, {})


def test_a_switch_among_the_settings_is_refused(structure: Structure, write: Write) -> None:
    path = write("s.yaml", "title: S\npolicies:\n  cash_subsidy: {switch: 0}\n")
    assert problems_of(path, structure) == [
        "s.yaml:3: cash_subsidy: leave `switch` out: a policy with settings is on; "
        "write off to switch it off."
    ]


def test_a_replaced_value_tells_old_and_new(structure: Structure, write: Write) -> None:
    write("p.yaml", "title: P\nextends: baseline\nassumptions:\n  retirement rate: {value: 0.03, why: x}\n")
    path = write(
        "c.yaml", "title: C\nextends: p.yaml\nassumptions:\n  retirement rate: {value: 0.024, why: y}\n"
    )
    found = resolve_scenario(path, "hefei", structure).values["retirement rate"]
    assert (found.value, found.replaced and found.replaced.value) == (0.024, 0.03)
    assert found.change == "0.03 (p.yaml:4) -> 0.024"
    assert str(found.origin) == "c.yaml:4"


def test_names_limits_and_dates_are_checked_against_the_model_all_at_once(
    structure: Structure, write: Write
) -> None:
    path = write(
        "bad.yaml",
        """\
        title: Bad
        policies:
          housing_vouchers: on
          industry_fund: {from: 2025, until: 2024, intensity: 3, strength: 2, evidence: [E19]}
          venture_fund: {from: 2021}
          cash_subsidy: {from: 2040, unit cost: 1e9}
          talent_apartments: {intensity: 1, until: 2020}
        assumptions:
          retirment rate: {value: 0.02, why: x}
          talent: {value: 5, why: x}
          city residents: {value: 1e6, why: x}
          national gdp path: {value: 1, why: x}
          residents growth noise: {value: 1, why: x}
          policy start[venture_fund]: {value: 2025, why: x}
          FINAL TIME: {value: 2050, why: x}
          reference hazard[ledaing]: {value: 0.4, why: x}
          reference hazard: {value: {professional: 2}, why: x}
          retirement rate[leading]: {value: 0.02, why: x}
        shocks:
          core_team_exits: {at: 2027}
          core_team_exit: {at: 2050, size: -0.2, sizes: 1}
        context: national/centrl
        """,
    )
    assert problems_of(path, structure, "hefai") == [
        "unknown city 'hefai'. Did you mean 'hefei'? Shipped: average, beijing, changsha, chengdu, dongguan, "
        "handan, hangzhou, hefei, mianyang, shanghai, shenyang, shenzhen, suzhou, wuxi, zhengzhou; "
        "or give a path to a .yaml file.",
        "bad.yaml:22: unknown national path 'national/centrl'. Did you mean 'central'? "
        "Shipped: central, high_growth, low_growth; or give a path to a .yaml file.",
        "bad.yaml:3: unknown policy 'housing_vouchers'. Did you mean 'housing_voucher'?",
        "bad.yaml:4: industry_fund.intensity is 3, above the model's maximum 0.2 (a share: 3 % is 0.03).",
        "bad.yaml:4: unknown setting 'strength' of policy industry_fund. "
        "Known: from, until, ramp, size, pause, intensity, targeting.",
        "bad.yaml:4: industry_fund.until is 2024, not after from, 2025. Swap or mend them.",
        "bad.yaml:5: venture_fund.from is 2021, outside the run (2022 to before 2034). Move it.",
        "bad.yaml:6: cash_subsidy.unit cost is 1e+09, above the model's maximum 1e+07 yuan/person.",
        "bad.yaml:6: cash_subsidy.from is 2040, outside the run (2022 to before 2034). Move it.",
        "bad.yaml:7: unknown setting 'intensity' of policy talent_apartments. "
        "Known: from, until, ramp, size, pause, targeting.",
        "bad.yaml:7: talent_apartments.until is 2020, before the run starts in 2022. Move it.",
        "bad.yaml:9: unknown constant 'retirment rate'. Did you mean 'retirement rate'?",
        "bad.yaml:10: 'talent' is computed by the model (stock); only constants can be set.",
        "bad.yaml:11: 'city residents' is a city's figure, not an assumption. "
        "Set residents in the city file.",
        "bad.yaml:12: 'national gdp path' is the national path's. Name another path under 'context'.",
        "bad.yaml:13: 'residents growth noise' is process noise, drawn by each run. Leave it out.",
        "bad.yaml:14: 'policy start' is set under 'policies', not 'assumptions'. Move it there.",
        "bad.yaml:15: 'FINAL TIME' is fixed by the model and the command, not by a scenario. Leave it out.",
        "bad.yaml:16: 'reference hazard' has no element 'ledaing'. Did you mean 'leading'?",
        "bad.yaml:17: reference hazard[professional] is 2, above the model's maximum 1 1/year.",
        "bad.yaml:18: 'retirement rate' is subscripted by nothing, not by [leading]. Mend the brackets.",
        "bad.yaml:20: unknown shock 'core_team_exits'. Did you mean 'core_team_exit'?",
        "bad.yaml:21: core_team_exit.size is -0.2, below the model's minimum 0.",
        "bad.yaml:21: unknown setting 'sizes' of shock core_team_exit. Did you mean 'size'?",
        "bad.yaml:21: core_team_exit.at is 2050, outside the run (2022 to before 2034). Move it.",
    ]


def test_a_date_out_of_order_across_files_names_the_other_file(structure: Structure, write: Write) -> None:
    write("p.yaml", "title: P\npolicies:\n  cash_subsidy: {from: 2028, until: 2030}\n")
    path = write("c.yaml", "title: C\nextends: p.yaml\npolicies:\n  cash_subsidy: {until: 2027}\n")
    assert problems_of(path, structure) == [
        "c.yaml:4: cash_subsidy.until is 2027, not after from, 2028 (p.yaml:3). Swap or mend them."
    ]


def test_a_national_path_must_have_what_the_model_needs(structure: Structure, write: Write) -> None:
    write(
        "mine.yaml",
        """\
        title: Mine
        until: 2030
        variables:
          residents:
            unit: thousand person
            what: people
            source: here
            past: {2022: 1.33e9}
            future: {growth: {2023: 0.0}, range: [0, 0.1], why: flat}
        """,
    )
    path = write("s.yaml", "title: S\ncontext: mine.yaml\n")
    found = problems_of(path, structure)
    assert found[:3] == [
        "mine.yaml: the national path lacks 'gdp', which the model needs. Add it.",
        "mine.yaml:8: residents is in thousand person, in person in the model. Convert it.",
        "mine.yaml:8: residents covers 2022 to 2030; the run needs 2022 to 2034. Extend the path.",
    ]


def test_context_given_by_the_caller_wins(structure: Structure) -> None:
    low = resolve_scenario("baseline", "hefei", structure, context="low_growth").params()
    central = resolve_scenario("baseline", "hefei", structure).params()
    assert low["national gdp path"][1][-1] < central["national gdp path"][1][-1]
    assert low["national gdp path"][1][:25] == central["national gdp path"][1][:25]


def test_the_files_read_are_found_from_any_working_folder(structure: Structure, write: Write) -> None:
    path = write("mine/s.yaml", "title: S\nextends: cash_subsidy_only\ncontext: low_growth\n")
    sources = resolve_scenario(path, "wuxi", structure).sources
    assert list(sources) == [
        "scenarios/baseline.yaml",
        "scenarios/cash_subsidy_only.yaml",
        "mine/s.yaml",
        "scenarios/cities/wuxi.yaml",
        "scenarios/national/central.yaml",
        "scenarios/national/low_growth.yaml",
        "models/city_figures.yaml",
        "models/provinces.yaml",
    ]
    assert all(found.is_absolute() and found.is_file() for found in sources.values())


def test_a_start_year_takes_that_years_figures(structure: Structure) -> None:
    resolved = resolve_scenario("baseline", "wuxi", structure, start_year=2010, final_year=2020)
    assert resolved.params()["city residents"] == resolved.city.figures["residents"].values[2010]
    assert (resolved.start_year, resolved.final_year) == (2010, 2020)


def test_a_value_for_the_whole_replaces_what_ancestors_set_for_elements(
    structure: Structure, write: Write
) -> None:
    write("a.yaml", "title: A\nextends: baseline\nassumptions:\n  reference hazard: {value: 0.1, why: x}\n")
    write(
        "b.yaml",
        "title: B\nextends: a.yaml\nassumptions:\n  reference hazard[leading]: {value: 0.2, why: x}\n",
    )
    path = write(
        "c.yaml", "title: C\nextends: b.yaml\nassumptions:\n  reference hazard: {value: 0.3, why: x}\n"
    )

    def hazards(name: str | Path) -> list[tuple[str, object]]:
        params = resolve_scenario(name, "wuxi", structure).params()
        return [(key, value) for key, value in params.items() if key.startswith("reference hazard")]

    assert hazards("b.yaml") == [("reference hazard", 0.1), ("reference hazard[leading]", 0.2)]
    assert hazards(path) == [("reference hazard", 0.3)]


def test_setting_a_constant_twice_in_one_file_is_refused(structure: Structure, write: Write) -> None:
    path = write(
        "s.yaml",
        """\
        title: S
        assumptions:
          reference hazard: {value: {leading: 0.2}, why: x}
          reference hazard[leading]: {value: 0.3, why: x}
          retirement rate: {value: 0.02, why: x}
        """,
    )
    assert problems_of(path, structure) == [
        "s.yaml:4: 'reference hazard[leading]' is already set on line 3. Keep one of them."
    ]
    turned = "title: S\nassumptions:\n  reference hazard[leading]: {value: 0.3, why: x}\n"
    turned += "  reference hazard: {value: 0.2, why: x}\n"
    assert problems_of(write("t.yaml", turned), structure) == [
        "t.yaml:4: 'reference hazard' is already set on line 3. Keep one of them."
    ]


def test_a_model_without_fixed_times_needs_the_years(structure: Structure) -> None:
    timeless = Structure(structure.path, structure.sha256, structure.variables, structure.subscripts, {})
    with pytest.raises(
        InputError, match=r"^the model gives no fixed INITIAL TIME and FINAL TIME\. Give the year"
    ):
        resolve_scenario("baseline", "wuxi", timeless)
    assert resolve_scenario("baseline", "wuxi", timeless, start_year=2012, final_year=2020).start_year == 2012


POLICIES = ("cash_subsidy", "industry_fund", "venture_fund", "talent_apartments")
policy = st.one_of(
    st.sampled_from(["on", "off"]),
    st.fixed_dictionaries({}, optional={"from": st.integers(2023, 2026), "until": st.integers(2027, 2033)}),
)
mixes = st.dictionaries(st.sampled_from(POLICIES), policy, max_size=4)


def as_file(mix: dict[str, object], parent: str) -> str:
    lines = ["title: T", f"extends: {parent}", "policies: {}" if not mix else "policies:"]
    for name, entry in mix.items():
        text = (
            entry if isinstance(entry, str) else "{" + ", ".join(f"{k}: {v}" for k, v in entry.items()) + "}"
        )
        lines.append(f"  {name}: {text}")
    return "\n".join(lines) + "\n"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parent=mixes, child=mixes)
def test_the_child_wins_and_what_it_leaves_out_is_its_parents(
    parent: dict[str, object], child: dict[str, object], structure: Structure, write: Write
) -> None:
    write("p.yaml", as_file(parent, "baseline"))
    write("c.yaml", as_file(child, "p.yaml"))
    from talent_sd.inputs import load_city, read_national

    city, national = load_city("wuxi"), read_national("central")

    def values(name: str) -> dict[str, object]:
        return resolve_scenario(load_scenario(name), city, structure, context=national).params()

    above, own, alone = values("p.yaml"), values("c.yaml"), values("baseline")
    assert values("c.yaml") == own  # order and repetition of reading never matter
    for name in POLICIES:
        keys = [f"policy switch[{name}]", f"policy start[{name}]", f"policy end[{name}]"]
        if name not in child:
            assert [own.get(key) for key in keys] == [above.get(key) for key in keys]
        elif child[name] == "off":
            assert [own.get(key) for key in keys] == [0.0, None, None]
        else:
            assert own[keys[0]] == 1.0
            entry = child[name] if isinstance(child[name], dict) else {}
            for key, word in zip(keys[1:], ("from", "until"), strict=True):
                inherited = above.get(key) if isinstance(child[name], dict) else None
                assert own.get(key) == entry.get(word, inherited)
    assert {k: v for k, v in own.items() if not k.startswith("policy ")} == alone


def test_check_file_tells_the_kind_and_the_problems(structure: Structure, write: Write) -> None:
    path = write("s.yaml", "title: S\npolicies:\n  venture_fundd: on\n")
    assert check_file(path, structure) == (
        "scenario",
        ("s.yaml:3: unknown policy 'venture_fundd'. Did you mean 'venture_fund'?",),
    )
    assert check_file(write("t.yaml", "title: S\n"), structure) == ("scenario", ())
    kind, problems = check_file(write("c.yaml", "figures: {}\n"), structure)
    assert kind == "city"
    assert problems == (
        "c.yaml:1: figures is empty. Fill it, or leave the key out.",
        "c.yaml:1: the key 'name' is missing. Add it.",
        "c.yaml:1: the key 'province' is missing. Add it.",
        "c.yaml:1: the key 'region' is missing. Add it.",
    )
    assert check_file(write("n.yaml", "variables: 3\n"), structure)[0] == "national"
    assert check_file(write("e.yaml", ""), structure) == (
        "file",
        ("e.yaml: the file is empty. Fill it or give another.",),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "shocks: {house_price_shock: {at: 2027, size: 20}}",
            "house_price_shock.size is 20 times what was before",
        ),
        ("shocks: {house_price_shock: {at: 2027, size: 0.7}}", ""),
        (
            "policies: {cash_subsidy: {from: 2026, size: 50000}}",
            "50000 yuan a year are 5e-07 of the city's revenue",
        ),
        ("policies: {cash_subsidy: {from: 2026, size: 500000000}}", ""),
        (
            "budget: {yuan per year: 200000, from: 2025, until: 2035, price_basis: 2024}",
            "200000 yuan a year are 2e-06",
        ),
    ],
)
def test_a_scenarios_slip_of_units_is_told(text: str, told: str, tmp_path: Path) -> None:
    from talent_sd.forecast.prepare import check_file
    from talent_sd.inputs import resolve_scenario
    from talent_sd.model.read import shipped_structure

    (path := tmp_path / "mine.yaml").write_text(f"title: x\nextends: baseline\n{text}\n", "utf-8")
    for read in (lambda: resolve_scenario(path, "hefei", shipped_structure()), lambda: check_file(path)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            read()
        said = list(dict.fromkeys(str(one.message) for one in caught))
        assert [told in one for one in said] == [True] * bool(told), said
