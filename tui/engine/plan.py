"""Which files of a source a run has to move, and why it leaves the others alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tui.domain.naming import is_partial, matches
from tui.methods.base import Entry, Narrator, Source
from tui.store.base import Delivery

_SAMPLE = 3
"""Names told of the files that match."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The decision over one listing. Every file that matches the pattern is in exactly one of the three."""

    move: list[Entry]
    delivered: list[Entry]
    """On record as delivered, unchanged since: nothing to move, but perhaps an after-action to finish."""
    unsafe: list[Entry]
    """Names that must not be used; `Entry.problem` says why."""


async def list_candidates(source: Source, patterns: Sequence[str], narrator: Narrator) -> list[Entry]:
    """List the source and pick the files that the connection is about: those that match its pattern and are not Wharf's
    own partial files. Narrated as the step `list`."""
    with narrator.step("list") as note:
        listing = await source.list_files()
        found = [entry for entry in listing if matches(entry.name, patterns) and not is_partial(entry.name)]
        note.detail = f"{len(listing)} files, {len(found)} match {', '.join(patterns)}"
        if found:
            names = [entry.name for entry in found[:_SAMPLE]]
            note.detail += f": {', '.join(names)}{', …' if len(found) > _SAMPLE else ''}"
    return found


def make_plan(candidates: Sequence[Entry], ledger: Mapping[str, Delivery]) -> Plan:
    """Sort the candidates. A file counts as delivered when the ledger has it with the same size and time."""
    plan = Plan([], [], [])
    for entry in candidates:
        if entry.problem is not None:
            plan.unsafe.append(entry)
        elif _is_same(entry, ledger.get(entry.key)):
            plan.delivered.append(entry)
        else:
            plan.move.append(entry)
    return plan


def _is_same(entry: Entry, delivery: Delivery | None) -> bool:
    return delivery is not None and (entry.size, entry.mtime) == (delivery.size, delivery.mtime)
