"""Which of the files that are ready a run has to move, and why it leaves the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tui.domain.terms import Repeat
from tui.methods.base import Entry
from tui.store.base import Delivery, Store


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


async def known_deliveries(store: Store, name: str, candidates: Sequence[Entry]) -> dict[str, Delivery]:
    """What the ledger knows of the candidates, by their keys. A file with a new key is known by its alias when its size
    is the same; its time may be another one then, so the ledger's is taken for the file's."""
    ledger = await store.deliveries(name, [entry.key for entry in candidates])
    renumbered = {entry.alias: entry for entry in candidates if entry.alias and entry.key not in ledger}
    if renumbered:
        for alias, delivery in (await store.deliveries_by_alias(name, list(renumbered))).items():
            entry = renumbered[alias]
            if entry.size == delivery.size:
                ledger[entry.key] = replace(delivery, mtime=entry.mtime)
    return ledger


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
