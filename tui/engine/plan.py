"""Which of the files that are ready a run has to move, and why it leaves the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tui.domain.terms import Repeat
from tui.methods.base import Entry
from tui.store.base import Delivery


@dataclass(frozen=True, slots=True)
class Plan:
    """The decision. Every file is in exactly one of the four."""

    move: list[Entry]
    delivered: list[Entry]
    """On record as delivered, unchanged since: nothing to move, but perhaps an after-action to finish."""
    repeated: list[tuple[Entry, Delivery]]
    """Delivered before under the same name with other content, and the connection does not want such."""
    unsafe: list[Entry]
    """Names that must not be used; `Entry.problem` says why."""


def make_plan(candidates: Sequence[Entry], ledger: Mapping[str, Delivery], repeat: Repeat) -> Plan:
    """Sort the candidates. A file counts as delivered when the ledger has it with the same size and time."""
    plan = Plan([], [], [], [])
    for entry in candidates:
        delivery = ledger.get(entry.key)
        if entry.problem is not None:
            plan.unsafe.append(entry)
        elif delivery is None:
            plan.move.append(entry)
        elif (entry.size, entry.mtime) == (delivery.size, delivery.mtime):
            plan.delivered.append(entry)
        elif repeat is Repeat.SKIP:
            plan.repeated.append((entry, delivery))
        else:
            plan.move.append(entry)
    return plan
