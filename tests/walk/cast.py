"""Recordings of a terminal as asciicast v2, which `asciinema play` and others show.

A line with the header, then a line for each event: its time in seconds, its kind, its text
(https://docs.asciinema.org/manual/asciicast/v2/).
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    OUTPUT = "o"
    MARKER = "m"
    """The beginning of a chapter, with its title."""


@dataclass(frozen=True, slots=True)
class Event:
    seconds: float
    """Since the beginning of the recording."""
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Cast:
    """A recording. Of the header only what does not depend on the machine."""

    columns: int
    rows: int
    title: str
    command: str
    term: str
    events: tuple[Event, ...]

    def dumps(self) -> str:
        header = {
            "version": 2,
            "width": self.columns,
            "height": self.rows,
            "title": self.title,
            "command": self.command,
            "env": {"TERM": self.term},
        }
        events = ([round(event.seconds, 3), event.kind, event.text] for event in self.events)
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (header, *events))


def loads(text: str) -> Cast:
    """Read a recording. Raises ValueError or KeyError when it is none, or has events of other kinds."""
    first, *rest = text.removesuffix("\n").split("\n")
    header: dict[str, Any] = json.loads(first)
    if header["version"] != 2:
        raise ValueError(f"an asciicast of version {header['version']}")
    events = (json.loads(line) for line in rest)
    return Cast(
        header["width"],
        header["height"],
        header["title"],
        header["command"],
        header["env"]["TERM"],
        tuple(Event(float(seconds), Kind(kind), str(text)) for seconds, kind, text in events),
    )
