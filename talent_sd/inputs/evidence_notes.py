"""The evidence that a scenario's policies cite: every id stands in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from talent_sd.base.errors import nearest
from talent_sd.base.shipped import shipped_folder
from talent_sd.inputs.strict_yaml import Node, read_yaml

if TYPE_CHECKING:
    from talent_sd.inputs.file_schemas import ScenarioFile


def unknown_evidence(tree: Node, typed: ScenarioFile, file: str) -> list[str]:
    """Return a line for each id in a scenario that is not in the ledger.

    Parameters
    ----------
    tree, typed : the file as read, for its lines, and as checked
    file : as messages name it
    """
    cited = {
        name: policy.settings.evidence
        for name, policy in typed.policies.items()
        if policy.settings is not None and policy.settings.evidence
    }
    if not cited:
        return []
    ledger: Any = read_yaml(shipped_folder("models") / "evidence.yaml").plain()
    known = [str(figure["id"]) for figure in ledger["figures"]]
    return [
        f"{file}:{tree.find(('policies', name, 'evidence', number)).line}: no evidence '{ident}' in the "
        f"ledger.{nearest(ident, known)} See `talent-sd list evidence`."
        for name, idents in cited.items()
        for number, ident in enumerate(idents)
        if ident not in known
    ]
