"""A group of connections: its line in the table, and what is told of it in full."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from rich.text import Text

from tui.console.formats import STYLES, status_text
from tui.console.keys import ShownKeys
from tui.console.livetable import clickable
from tui.domain.figures import count
from tui.domain.run import Status

By: TypeAlias = Literal["type", "method", "status"]
"""What connections can be grouped by."""

FOLD = "fold"
"""What the sign of a group answers to a click with."""

_OPEN, _FOLDED = "▾", "▸"

_WORDS: Mapping[Status, str] = {Status.FAILED: "failed", Status.IN_PROGRESS: "running"}


class GroupKey(NamedTuple):
    """Tells groups apart, and from connections, whose keys are their names."""

    by: By
    value: str


class Group(NamedTuple):
    """Stands above the connections of a group, or for them while it is folded."""

    key: GroupKey
    title: str
    size: int
    numbers: tuple[tuple[Status, int], ...]
    """How many have each status that occurs."""
    marked: int
    folded: bool


def group_line(group: Group) -> Text:
    """The line of a group: sign, title, how many there are, and how many of them ask for a look."""
    text = clickable(_FOLDED if group.folded else _OPEN, FOLD)
    text = Text.assemble(text, " ", group_title(group), (f"  {group.size:,}", "dim"))
    if group.key.by != "status":
        for status, number in group.numbers:
            if status in _WORDS:
                text.append(f"  {number:,} {_WORDS[status]}", STYLES[status])
    if group.marked:
        text.append(f"  ● {group.marked:,} marked", "bold yellow")
    return text


def group_title(group: Group) -> Text:
    """What its connections have in common."""
    return status_text(Status(group.key.value)) if group.key.by == "status" else Text(group.title, style="bold")


def group_facts(group: Group) -> list[tuple[str, str | Text]]:
    """What there is to say of it, in lines with a label each."""
    numbers = Text("  ").join(status_text(status).append(f" {number:,}") for status, number in group.numbers)
    return [("Holds", count(group.size, "connection")), ("Status", numbers)]


def group_keys(group: Group, keys: ShownKeys) -> str:
    """What can be done with it."""
    folding = f"{keys['connections.toggle_group']} {'unfolds' if group.folded else 'folds'} it"
    return f"{folding}, {keys['connections.mark']} marks all of it"
