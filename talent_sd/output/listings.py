"""Tables of what ships: cities, policies, scenarios, evidence, variables, loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from talent_sd.base.files import shipped_folder
from talent_sd.base.language import N_, tell
from talent_sd.inputs.labels import shipped_labels
from talent_sd.model.read import read_structure
from talent_sd.model.structure import KINDS, Variable
from talent_sd.output.speech import digits, unit_label

EVIDENCE = N_("Evidence")
INTENSITY = N_("Intensity")
KIND = N_("Kind")
LABELLED = N_("{label}: {meaning}")
MEANING = N_("Meaning")
NAME = N_("Name")
TITLE = N_("Title")
UNIT = N_("Unit")

WHOLE = (N_("Id"), KIND, UNIT, N_("Role"), N_("Polarity"), EVIDENCE)
"""Columns that are not broken over lines."""
LONGEST_WORD = 14
"""Columns are kept wide enough for words of so many letters."""
Rows = tuple[Sequence[str], Iterable[Sequence[str]]]
"""Keys of the column headings, and the rows."""


def shelf_table(what: str, lang: str = "en") -> Table:
    """Make the table of one of the shelves.

    Parameters
    ----------
    what : cities, policies, scenarios, evidence, variables or loops
    """
    headings, rows = SHELVES[what](lang)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    # a model's variables have long names; all others must come out in one piece, to be copied
    whole = WHOLE if what == "variables" else (NAME, *WHOLE)
    cells = list(rows)
    for number, heading in enumerate(headings):
        title = tell(heading, lang)
        words = (part for text in (title, *(row[number] for row in cells)) for part in text.split())
        least = min(max(map(cell_len, words)), LONGEST_WORD)
        table.add_column(title, no_wrap=heading in whole, overflow="fold", min_width=least)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _cities(lang: str) -> Rows:
    from talent_sd.inputs import list_cities, load_city

    def row(name: str) -> Sequence[str]:
        city = load_city(name)
        return name, city.title[lang], city.province[lang], city.region[lang]

    return (NAME, TITLE, N_("Province"), N_("Region")), map(row, list_cities())


def _scenarios(lang: str) -> Rows:
    from talent_sd.inputs import list_scenarios, load_scenario

    def row(name: str) -> Sequence[str]:
        scenario = load_scenario(name)
        return name, scenario.title[lang], scenario.question.get(lang, "")

    return (NAME, TITLE, N_("Question")), map(row, list_scenarios())


def _policies(lang: str) -> Rows:
    labels, structure = shipped_labels(), read_structure(shipped_folder("models") / "city.mdl")

    def row(policy: str) -> Sequence[str]:
        intensity = structure.find(f"{policy.replace('_', ' ')} intensity")
        if intensity is None:
            return policy, labels.element(policy, lang), "", "", ""
        low, high = ("" if limit is None else digits(limit) for limit in intensity.limits)
        sources = ", ".join(intensity.citations)
        return policy, labels.element(policy, lang), f"{low} … {high}", _unit(intensity.unit, lang), sources

    return (NAME, TITLE, INTENSITY, UNIT, EVIDENCE), map(row, structure.subscripts["policy"])


def _variables(lang: str) -> Rows:
    labels, structure = shipped_labels(), read_structure(shipped_folder("models") / "city.mdl")

    def row(variable: Variable) -> Sequence[str]:
        label = labels.variable(variable.name, lang)
        meaning = variable.doc.split(". ")[0].rstrip(".")
        kind = tell(KINDS[variable.kind], lang)
        return (
            variable.name,
            kind,
            _unit(variable.unit, lang),
            meaning if label == variable.name else tell(LABELLED, lang, label=label, meaning=meaning),
            ", ".join(variable.citations),
        )

    return (NAME, KIND, UNIT, MEANING, EVIDENCE), map(row, structure.variables.values())


def _evidence(lang: str) -> Rows:
    from talent_sd.inputs.evidence_ledger import ROLES, cited_by, read_evidence
    from talent_sd.output.evidence_tables import UNCLEAN, statement, target_text

    cited = cited_by(read_structure(shipped_folder("models") / "city.mdl"))
    rows = (
        (
            figure.id,
            tell(ROLES[figure.role], lang) + (UNCLEAN if figure.unclean else ""),
            f"{target_text(figure)} {figure.unit}".strip(),
            statement(figure, lang),
            ", ".join(cited.get(figure.id, ())),
        )
        for figure in read_evidence()
    )
    return (N_("Id"), N_("Role"), N_("Value"), N_("Statement"), N_("Cited by")), rows


def _loops(lang: str) -> Rows:
    from talent_sd.loops.loop_names import read_loops

    loops = read_loops(read_structure(shipped_folder("models") / "city.mdl")).loops
    rows = ((loop.name, loop.polarity, loop.label[lang], loop.story[lang]) for loop in loops)
    return (NAME, N_("Polarity"), TITLE, N_("Story")), rows


def _unit(unit: str, lang: str) -> str:
    """Return a unit as the model writes it, since it is copied from here; in Chinese in words."""
    return unit if lang == "en" else unit_label(unit, lang)


SHELVES: dict[str, Callable[[str], Rows]] = {
    "cities": _cities,
    "policies": _policies,
    "scenarios": _scenarios,
    "evidence": _evidence,
    "variables": _variables,
    "loops": _loops,
}
