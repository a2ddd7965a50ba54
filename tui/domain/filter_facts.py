"""What a filter can ask of a connection and of a run."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from tui.domain.failure import FailureClass
from tui.domain.figures import size
from tui.domain.filter import Facts, Unit, Vocabulary, slug
from tui.domain.run import Run, Status, Trigger
from tui.domain.summary import Summary
from tui.domain.terms import Direction, Method, type_title

_FAILURES = {slug(each.value): each.value for each in FailureClass}
_NAMED_DAYS = {0: "today", 1: "yesterday"}
_LETTERS = re.compile(r"[^\W\d_]{3,}")
_SLUGS = {each: slug(each.value) for each in (*Status, *Trigger, *FailureClass)}

RUN_VOCABULARY = Vocabulary(
    choices={
        "status": {slug(each.value): each.value for each in Status if each is not Status.NONE},
        "trigger": {slug(each.value): each.value for each in Trigger},
        "failure": _FAILURES,
    },
    measures={"last": Unit.TIME, "took": Unit.TIME, "bytes": Unit.BYTES, "files": Unit.COUNT, "run": Unit.COUNT},
)
"""`last` is the time since the run began, `took` how long it went on, `run` its number."""


def connection_vocabulary(types: Iterable[str]) -> Vocabulary:
    """The terms for connections, with the types that are in use: users may have their own.

    `failure`, `bytes` and `files` are those of the latest run, `last` is the time since the connection was last active.
    """
    return Vocabulary(
        choices={
            "type": {slug(key): type_title(key) for key in sorted(set(types), key=type_title)},
            "direction": {slug(each.label): each.label for each in Direction},
            "method": {slug(each.label): each.label for each in Method},
            "status": {slug(each.value): each.value for each in Status},
            "failure": _FAILURES,
            "enabled": {"yes": "Enabled", "no": "Disabled"},
        },
        measures={"last": Unit.TIME, "bytes": Unit.BYTES, "files": Unit.COUNT},
    )


def connection_facts(connection: Summary, status: Status, last_active: datetime | None, latest: Run | None) -> Facts:
    """A connection with the state of its latest run."""

    def texts() -> list[str]:
        return [
            connection.name,
            type_title(connection.type),
            connection.type,
            connection.direction.label,
            connection.method.label,
            status.value,
            _when(last_active),
            "" if connection.enabled else "off disabled",
        ]

    return Facts(
        {
            "type": (slug(connection.type), slug(type_title(connection.type))),
            "direction": (slug(connection.direction.label),),
            "method": (slug(connection.method.label),),
            "status": (_SLUGS[status],),
            "failure": _failure(latest),
            "enabled": ("yes", "enabled") if connection.enabled else ("no", "disabled"),
        },
        texts,
        {
            "last": _since(last_active),
            "bytes": latest.progress.bytes_done if latest is not None else None,
            "files": latest.progress.files_done if latest is not None else None,
        },
    )


def run_facts(run: Run) -> Facts:
    """A run, as far as it is."""

    def texts() -> list[str]:
        failure = run.failure
        return [
            run.connection,
            _when(run.started),
            run.trigger.value,
            run.status.value,
            f"{run.progress.files_done}/{run.progress.files_total}",
            size(run.progress.bytes_done),
            *([failure.failure_class.value, failure.message] if failure else []),
            run.message or "",
        ]

    values: Mapping[str, tuple[str, ...]] = {
        "status": (_SLUGS[run.status],),
        "trigger": (_SLUGS[run.trigger],),
        "failure": _failure(run),
    }
    numbers = {
        "last": _since(run.started),
        "took": ((run.ended or datetime.now(UTC)) - run.started).total_seconds(),
        "bytes": float(run.progress.bytes_done),
        "files": float(run.progress.files_done),
        "run": float(run.run_id),
    }
    return Facts(values, texts, numbers)


def is_stored(word: str) -> bool:
    """Whether a word can only be found in what is on record of a run as it is: in names, messages and the like, not in
    texts that are made of numbers. Those have no three letters on end but in the names of days.
    """
    return any(not any(letters in day for day in _NAMED_DAYS.values()) for letters in _LETTERS.findall(word))


def _failure(run: Run | None) -> tuple[str, ...]:
    return () if run is None or run.failure is None else (_SLUGS[run.failure.failure_class],)


def _since(at: datetime | None) -> float | None:
    return None if at is None else (datetime.now(UTC) - at).total_seconds()


def _when(at: datetime | None) -> str:
    if at is None:
        return "never"
    days = (datetime.now().astimezone().date() - at.astimezone().date()).days
    return f"{at.astimezone():%Y-%m-%d %H:%M} {_NAMED_DAYS.get(days, '')}"
