"""The reviewer's book: what carries each headline result, its level, its change and what no draw of it moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from talent_sd.base.language import N_, fixed
from talent_sd.forecast.posterior_draws import CENTRAL, NATIONAL_PATHS
from talent_sd.forecast.spread import Move, loop_moves, moved_runs
from talent_sd.inputs.national_paths import national_params, read_national
from talent_sd.inputs.settings import split_key
from talent_sd.loops.stocks_and_flows import FACTORS, OUTPUT, factors_of_output, flows_brought
from talent_sd.model_tests.sensitivity import still_moves
from talent_sd.output.headline_outputs import TOTAL
from talent_sd.output.report.book_entries import raw
from talent_sd.output.report.book_findings import BookFindings
from talent_sd.output.report.book_tables import Result, Rows
from talent_sd.output.report.html_pieces import SOURCE, Table, plain_table, quoted
from talent_sd.output.speech import digits, signed

if TYPE_CHECKING:
    from markupsafe import Markup

    from talent_sd.forecast.prepare import Prepared

FACTOR = " (factor)"
"""Ends the name of a draw that multiplies a constant."""
NATION = "national tertiary ratio"
"""The nation's tertiary-educated over those of the start."""
FUND = "Fund"
SHOWN, STILL = 2, 12
"""Loops and constants named in a sentence; constants told of those that no draw moves."""
SMALL = 1e-3
"""Flows that bring a smaller part of the change are not told."""
MINOR = 0.1
"""Loops that make less than this part of a change do not carry it."""
CARRIED = N_(
    "In the central run under “{baseline}”, {output} of {city} goes from {first} in {start} to {last} in {end}: {change}. "
    "{flows} With every named loop cut it comes to {cut}: all loops together make {loops}, {share} of the change. "
    "Opened alone, the loops that move it most are {opened}."
)
FLOWS = N_("Over these years these bring people: {ins}. These take them: {outs}.")
AS_NATION = N_(
    "Had it grown as the nation's tertiary-educated do on the central path, it would come to {nation}: that is {share} of the "
    "change; what sets the city apart makes {own}. On the national paths of low and high growth it comes to {low} and {high}."
)
CONSTANTS = N_(
    "Of the constants that a forecast draws these move it most, over the middle 80 % of what is believed of them: {constants}."
)
NO_LOOPS = N_(
    "So it is not the feedback loops that carry this level: it is where the city starts, the graduates whom the national path "
    "brings, and who arrives, leaves and retires at the rates of the start. How much they make of what a policy "
    "or a shock does is told apart from this, and differs from one to the other."
)
LOOPS_TOO = N_(
    "So the feedback loops carry {share} of this change; where the city starts, the graduates whom the national path brings, "
    "and who arrives, leaves and retires carry the rest."
)
GAIN = N_(
    "What “{mix}” adds in the central run is {gain}, and {cut} with every named loop cut: all loops together make {loops} "
    "({share}) of it."
)
BOTH_WAYS = N_(
    "That is a net: the loops that add people add {up} together, those that take people away {down} (Shapley shares, as in "
    "the picture of all loops cut and closed)."
)
UNDRAWN = N_(
    "Of those, {constant} could move {output} most: {low} and {high} when moved over {limits}. No band holds that."
)


@dataclass(frozen=True)
class Carried:
    """What stands behind the headline results, in central runs without and with the mix.

    Parameters
    ----------
    starts, cut : output -> (2,) in the first year, and in the last with every named loop cut
    nations : national path -> output -> (2,) in the last year
    as_nation : total talent in the last year, had it grown as the nation's
    flows, money, factors : what brings and takes people, the fund's money, and what output is multiplied by -> (3,) over
        all years: as it is, every named loop cut, with the mix
    fund : what the fund starts with
    still, held : constants that no draw moves, at both limits; output -> (1 + moves,) in the last year
    """

    starts: Mapping[str, np.ndarray]
    cut: Mapping[str, np.ndarray]
    nations: Mapping[str, Mapping[str, np.ndarray]]
    as_nation: float
    flows: Mapping[str, np.ndarray]
    money: Mapping[str, np.ndarray]
    factors: Mapping[str, np.ndarray]
    fund: float
    still: Sequence[Move]
    held: Mapping[str, np.ndarray]


def gather_carried(prepared: Prepared, moves: Sequence[Move], outputs: Sequence[str]) -> Carried:
    """Run what tells who carries the results.

    Parameters
    ----------
    prepared : the baseline and the mix
    moves : of all constants that a forecast draws
    outputs : whose first and last year are told
    """
    model, first, last = prepared.model, float(prepared.years[0]), float(prepared.years[-1])
    both = [one.params() for one in prepared.resolved.values()]
    cut = {key: 0.0 for move in loop_moves(model) for key in move.params}

    def found(year: float, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        runs = [model.run(params={**one, **given}, outputs=list(outputs), times=[year]) for one in both]
        return {name: np.array([float(run[name].sum()) for run in runs]) for name in outputs}

    nations = {
        name: {key: curve for key, curve in national_params(read_national(name)).items() if model.structure.find(key)}
        for name in dict.fromkeys(NATIONAL_PATHS) if name != CENTRAL
    }  # fmt: skip
    nation = model.run(params=both[0], outputs=[NATION, TOTAL, FUND], times=[first, last])
    ratio, talent, fund = (nation[name].values.ravel() for name in (NATION, TOTAL, FUND))
    three = both[0], {**both[0], **cut}, both[1]
    moving = {key.partition("[")[0] for one in (*(move.params for move in moves), both[0]) for key in one}
    still = still_moves(model, moving)
    return Carried(
        found(first, {}), found(last, cut), {name: found(last, own) for name, own in nations.items()},
        float(talent[0] * ratio[1] / ratio[0]),
        flows_brought(model, TOTAL, three, first, last), flows_brought(model, FUND, three, first, last),
        factors_of_output(model, three, first, last), float(fund[0]),
        still, moved_runs(model, both[0], still, outputs, last),
    )  # fmt: skip


@dataclass(frozen=True)
class BookCarriers(BookFindings):
    """The tables and sentences that say what carries the headline results."""

    carried_by: Carried | None = None

    @property
    def _named_results(self) -> list[tuple[str, Result]]:
        """Return each result with its output; what the mix adds last, without one."""
        assert self.forecast is not None
        return list(zip([*self.forecast.variance["variable"], ""], self.results, strict=True))

    def _strongest(self, result: Result, *, loops: bool) -> list[tuple[str, list[float]]]:
        """Return the loops or the constants that move a result most, with what each move does to it."""
        start, found = result.values[0], dict[str, list[float]]()
        for move, value in zip(self.moves, result.values[1:], strict=True):
            if bool(np.isnan(move.end)) == loops:
                found.setdefault(move.name, []).append(float(value - start))
        return sorted(found.items(), key=lambda item: -max(map(abs, item[1])))[:SHOWN]

    def _loop(self, name: str) -> str:
        return next((one.label[self.say.lang] for one in self.chapters.loops if one.name == name), name)

    @cached_property
    def carries(self) -> Table:
        """List for each headline result what carries it: loops, the national path, the constant that moves it most."""
        assert self.carried_by is not None and self.prepared is not None  # noqa: PT018
        own, rows = self.carried_by, list[list[Any]]()
        for name, result in self._named_results:
            last, of = float(result.values[0]), name or TOTAL
            told = (lambda pair: float(pair[0])) if name else (lambda pair: float(pair[1] - pair[0]))
            start, cut = told(own.starts[of]), told(own.cut[of])
            nations = [told(found[of]) for found in own.nations.values()]
            scale = self.say.scale(max(map(abs, (start, last, cut, *nations))), result.unit)
            cells = [
                digits(one / scale.factor, 4, beside=last / scale.factor)
                for one in (start, last, cut, *nations)
            ]
            (loop, (opened, *_)), (constant, ends) = (
                self._strongest(result, loops=kind)[0] for kind in (True, False)
            )
            moved = " … ".join(signed(one / scale.factor, beside=last / scale.factor) for one in ends)
            rows.append([
                self.chapters.link(name) if name else result.title, self.say.unit(scale), *cells[:3],
                signed((last - cut) / scale.factor, beside=last / scale.factor), " … ".join(cells[3:]),
                f"{self._loop(loop)} {signed(opened / scale.factor, beside=last / scale.factor)}",
                raw(f"{self._drawn_link(constant)} {moved}"),
            ])  # fmt: skip
        years = (f"{self.prepared.years[place]:g}" for place in (0, -1))
        headings = (
            self.say("Output"), self.say("Unit"), *years, self.say("Every named loop cut"), self.say("All loops together make"),
            self.say("On the national paths of low … high growth"), self.say("Loop that moves it most, opened alone"),
            self.say("Constant that moves it most, lower … upper end"),
        )  # fmt: skip
        return plain_table(
            self.say(N_("What carries each headline result, in the central run")),
            headings,
            rows,
            (0, 1, 7, 8),
        )

    @cached_property
    def flowed(self) -> list[Table]:
        """List what brings and takes talent and the fund's money from first to last year, and what multiplies output."""
        assert self.carried_by is not None and self.prepared is not None  # noqa: PT018
        own, say = self.carried_by, self.say
        years = {key: f"{self.prepared.years[place]:g}" for key, place in (("first", 0), ("last", -1))}
        columns = (
            self.baseline, say("The same, every named loop cut"),
            say.both(list(self.prepared.resolved.values())[1].scenario.title),
        )  # fmt: skip
        tables = []
        for name, start, flows, unit, heading in (
            (TOTAL, own.starts[TOTAL][0], own.flows, "person", N_("What brings (+) and takes (−) people")),
            (FUND, own.fund, own.money, "yuan", N_("What brings (+) and takes (−) money")),
        ):
            ends = np.sum([np.full(3, start), *flows.values()], axis=0)
            scale = say.scale(float(np.abs(ends).max() if name == FUND else start), unit)
            told = [[digits(one / scale.factor, 4) for one in row] for row in (np.full(3, start), ends)]
            rows: Rows = [[say("At the start"), *told[0]]]
            for flow, brought in sorted(flows.items(), key=lambda item: -abs(float(item[1][0]))):
                if np.abs(brought).max() > SMALL * start:
                    cells = (signed(one / scale.factor, 3, beside=1) for one in brought)
                    rows.append([self.chapters.link(flow), *cells])
            rows.append([say("In the last year"), *told[1]])
            caption = say("How {output} comes about from {first} to {last}, {unit}", output=say.variable(name),
                          unit=say.unit(scale), **years)  # fmt: skip
            tables.append(plain_table(caption, (say(heading), *columns), rows, (0,)))
        factors = [(name, size) for name, size in own.factors.items() if np.abs(size - 1).max() > SMALL / 10]
        rows = [
            [self.chapters.link(name) + (raw("<sup>") + self.chapters.link(FACTORS[name]) + raw("</sup>")
                                         if FACTORS.get(name) else raw("")), *(f"× {fixed(one, 3)}" for one in size)]
            for name, size in factors
        ]  # fmt: skip
        caption = say("What {output} is multiplied by from {first} to {last}, the whole last",
                      output=say.variable(OUTPUT), **years)  # fmt: skip
        return [*tables, plain_table(caption, (say(N_("Factor, with its exponent")), *columns), rows, (0,))]

    @property
    def carried_words(self) -> list[str]:
        """Say in figures what carries the headline, total talent of the last year, and what the mix adds to it."""
        assert self.carried_by is not None and self.prepared is not None  # noqa: PT018
        say, own = self.say, self.carried_by
        result = dict(self._named_results)[TOTAL]
        start, last, cut = float(own.starts[TOTAL][0]), float(result.values[0]), float(own.cut[TOTAL][0])
        change = last - start
        scale = say.scale(abs(last), result.unit)

        def amount(value: float, *, sign: bool = False) -> str:
            return say.amount(value, say.scale(abs(value), result.unit) if sign else scale, sign=sign)

        flows = sorted(
            ((v[0], n) for n, v in own.flows.items() if abs(v[0]) > SMALL * start),
            key=lambda one: -abs(one[0]),
        )
        parts = [
            say("; ").join(
                f"{self.chapters.shown(name)} {amount(value, sign=True)}" for value, name in flows if (value > 0) == up
            )
            for up in (True, False)
        ]  # fmt: skip
        told = N_("{name} ({value})", "book")
        opened = say("; ").join(
            say(told, name=self._loop(name), value=amount(moved[0], sign=True))
            for name, moved in self._strongest(result, loops=True)
        )
        constants = say("; ").join(
            say(told, name=self.chapters.shown(name), value=self._ends(ends, result.unit))
            for name, ends in self._strongest(result, loops=False)
        )
        share = (last - cut) / change
        low, high = (float(one[TOTAL][0]) for one in own.nations.values())
        gain, bare = (
            float(one[1] - one[0]) for one in (np.array([0.0, self.results[-1].values[0]]), own.cut[TOTAL])
        )
        years = (f"{self.prepared.years[place]:g}" for place in (0, -1))
        return [
            say(CARRIED, baseline=self.baseline, output=say.variable(TOTAL), city=self.prepared.first.city.title[say.lang],
                first=amount(start), start=next(years), last=amount(last), end=next(years), change=amount(change, sign=True),
                cut=amount(cut), loops=amount(last - cut, sign=True), share=self._share(share),
                flows=say(FLOWS, ins=parts[0], outs=parts[1]), opened=opened) + self.chapters.gap + self._loops_both_ways(),
            say(AS_NATION, nation=amount(own.as_nation), share=self._share((own.as_nation - start) / change),
                own=amount(last - own.as_nation, sign=True), low=amount(low), high=amount(high)),
            say(CONSTANTS, constants=constants),
            say(NO_LOOPS if abs(share) < MINOR else LOOPS_TOO, share=self._share(share)),
            say(GAIN, mix=say.both(list(self.prepared.resolved.values())[1].scenario.title), gain=amount(gain, sign=True),
                cut=amount(bare, sign=True), loops=amount(gain - bare, sign=True), share=self._share((gain - bare) / gain)),
        ]  # fmt: skip

    def _loops_both_ways(self) -> str:
        """Say what lies behind the net of the loops: what those that add and those that take away do by their shares."""
        assert self.study is not None
        shares = self.study.adds["share"].isel(time=-1, draw=0).values  # type: ignore[union-attr]
        up, down = (float(shares[shares * sign > 0].sum()) for sign in (1, -1))
        return self.say(BOTH_WAYS, up=self._people(up), down=self._people(down))

    def _people(self, value: float) -> str:
        return self.say.amount(value, self.say.scale(abs(value), "person"), sign=True)

    def _ends(self, ends: Sequence[float], unit: str) -> str:
        """Return what both ends of a constant do to a result, in one unit."""
        scale = self.say.scale(max(map(abs, ends)), unit)
        told = self.say(" to ").join(signed(one / scale.factor) for one in ends)
        return f"{told}{'' if self.say.lang == 'zh' else ' '}{scale.unit}".rstrip()

    def _share(self, part: float) -> str:
        return f"{fixed(100 * part, 1 if abs(part) < MINOR else 0)} %".replace("-", "−")

    @cached_property
    def _stillest(self) -> list[tuple[str, Sequence[Move], np.ndarray, str, float]]:
        """Return what no draw moves, strongest first: name, both moves, what they do to total talent, what else most."""
        assert self.carried_by is not None
        held, still = self.carried_by.held, self.carried_by.still
        # a part of next to nothing says nothing: the years of a fund that is spent
        starts = self.carried_by.starts
        parts = {name: values[1:].reshape(-1, 2) / values[0] - 1 for name, values in held.items()
                 if values[0] > MINOR * abs(starts[name][0])}  # fmt: skip
        found = []
        for place, (lower, upper) in enumerate(zip(still[::2], still[1::2], strict=True)):
            name, size = max(((one, float(part[place][np.abs(part[place]).argmax()])) for one, part in parts.items()),
                             key=lambda item: abs(item[1]))  # fmt: skip
            found.append((lower.name, (lower, upper), parts[TOTAL][place], name, size))
        return sorted(found, key=lambda one: -float(np.abs(one[2]).max()))

    @cached_property
    def still_table(self) -> Table:
        """List the constants that stand still in every draw and could move total talent most."""
        rows: Rows = []
        for name, (lower, upper), moved, most, size in self._stillest[:STILL]:
            values = self.chapters.constants[name].values()
            rows.append([
                self.chapters.link(name), "; ".join(f"{one:g}" for one in values),
                f"{lower.end:g} … {upper.end:g}".replace("-", "−"),
                *(self.say.percent(float(one)) for one in moved), f"{self.chapters.shown(most)} {self.say.percent(size)}",
                self.chapters.cited(quoted(self.model.structure[name].doc.partition(SOURCE)[2], self.say.lang)),
            ])  # fmt: skip
        headings = (
            N_("Constant"), N_("As it is"), N_("Moved over"), N_("Total talent at the lower end"),
            N_("Total talent at the upper end"), N_("What it moves most"), N_("Source"),
        )  # fmt: skip
        return self._table(
            N_("Constants that no draw moves and that could move total talent most"),
            headings,
            rows,
            (0, 1, 2, 5, 6),
        )

    @property
    def still_words(self) -> Markup:
        """Name the constant that no draw moves and that could move total talent most."""
        name, (lower, upper), moved, _, _ = self._stillest[0]
        told = self.say(
            UNDRAWN, output=self.say.variable(TOTAL), constant="%s", limits=f"{lower.end:g} … {upper.end:g}".replace("-", "−"),
            low=self.say.percent(float(moved[0])), high=self.say.percent(float(moved[1])),
        )  # fmt: skip
        return raw(escape(told).replace("%s", self.chapters.link(name)))

    @property
    def _drawn(self) -> set[str]:
        """Return the names of the constants that a forecast draws."""
        assert self.forecast is not None
        return {split_key(str(name).removesuffix(FACTOR))[0] for name in self.forecast.drawn}

    @property
    def drawn_words(self) -> str:
        """Say how many of the model's constants a forecast draws; the others stand still in every draw."""
        names = self._drawn
        every = {one.name for one in self.model.structure.variables.values() if one.kind == "constant"}
        given = {split_key(key)[0] for key in self.prepared.first.values} if self.prepared else set()
        return self.say(
            "Of the model's {all} constants a forecast draws {drawn}; {own} more are read from the city's figures; the others "
            "stand still in every draw.", all=len(every), drawn=len(names & every),
            own=len(given & every - names),
        )  # fmt: skip

    @cached_property
    def idle(self) -> list[str]:
        """Name the constants that a forecast draws and that move no headline result here, at neither end."""
        tried, moving, names = set[str](), set[str](), self._drawn
        for number, move in enumerate(self.moves, 1):
            own = {split_key(key)[0] for key in move.params} & names
            tried |= own
            if not all(
                np.isclose(one.values[number], one.values[0], rtol=1e-6, atol=0) for one in self.results
            ):
                moving |= own
        return sorted(tried - moving)

    @property
    def idle_words(self) -> str:
        """Say which of the constants that a forecast draws do nothing here."""
        if not self.idle:
            return ""
        return self.say(
            "Of the constants drawn, {count} change no headline result here, nor what the mix adds to talent: they belong to "
            "other policies, or to limits that this city does not reach ({names}).",
            count=len(self.idle), names=self.say(", ").join(map(self.chapters.shown, self.idle)),
        )  # fmt: skip
