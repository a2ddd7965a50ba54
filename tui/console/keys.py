"""Other keys for bindings, as the settings ask for them: what is refused, and why. No widgets here."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from textual.binding import Binding

from tui.console import keymap
from tui.domain.problems import nearest
from tui.domain.text import printable

if TYPE_CHECKING:
    from textual.app import App

    from tui.console.app import WharfApp

ShownKeys: TypeAlias = Mapping[str, str]
"""How the first key that each binding has now, after any remapping, is written; by the id of the binding."""

_NAMED = [
    *("enter", "tab", "shift+tab", "escape", "space", "backspace", "delete", "insert"),
    *("home", "end", "pageup", "pagedown", "ctrl+home", "ctrl+end"),
    *(f"{held}{arrow}" for held in ("", "shift+", "ctrl+") for arrow in ("up", "down", "left", "right")),
]

_IS_ANOTHER = {
    "ctrl+h": "backspace",
    "ctrl+i": "tab",
    "ctrl+j": "enter",
    "ctrl+m": "enter",
}
"""What a plain terminal sends for these is what it sends for another key."""

_PATTERN = re.compile(r"ctrl\+[a-z]|f([1-9]|1\d|2[0-4])|\S")

_LONG_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "plus": "+",
    "minus": "-",
}
"""Textual's names of signs in the tables of the keymap; a user writes the sign."""


def first_keys(changes: Mapping[str, str]) -> dict[str, Binding]:
    """Every binding with no more than the first of the keys that it has after these changes, by its id."""
    found: dict[str, Binding] = {}
    changed_keys = as_keymap(changes)
    for context in keymap.CONTEXTS:
        for binding in (*context.own, *context.shared):
            if binding.id is not None and binding.id not in found:
                changed = changed_keys.get(binding.id)
                shown = binding.key_display if changed is None else None
                found[binding.id] = binding.with_key((changed or binding.key).split(",")[0].strip(), shown)
    return found


class KnownBinding(NamedTuple):
    """A binding as a user may remap it: its id, where it works, the keys it has, and what it does."""

    id: str
    where: str
    keys: tuple[str, ...]
    does: str


def known_bindings(changes: Mapping[str, str] | None = None) -> list[KnownBinding]:
    """Every binding that can be given other keys, once, in the order of the screens; `changes` are applied."""
    found: dict[str, KnownBinding] = {}
    for context in keymap.CONTEXTS:
        for binding in (*context.own, *context.shared):
            if binding.id is not None and binding.id not in found:
                keys = _split((changes or {}).get(binding.id, binding.key))
                found[binding.id] = KnownBinding(binding.id, _home(binding.id), keys, binding.description)
    return list(found.values())


def key_problems(changes: Mapping[str, str]) -> list[str]:
    """A sentence for everything that is wrong with these keys; with none, they can be used."""
    known = {binding.id for binding in known_bindings()}
    problems = [problem for each, keys in changes.items() for problem in _problems_of(each, keys, known)]
    return problems or list(dict.fromkeys(_conflicts(changes)))


def _problems_of(binding: str, keys: str, known: set[str]) -> Iterator[str]:
    shown = printable(binding, 80)
    if binding not in known:
        meant = nearest(binding.lower(), sorted(known))
        hint = f"did you mean {meant}?" if meant else "`wharf keys` prints all ids."
        yield f"keys: there is no binding “{shown}”; {hint}"
        return
    for key in _split(keys):
        if (other := _IS_ANOTHER.get(key)) is not None:
            yield f"keys.{shown}: {key} cannot be told from {other} in a terminal; choose another key."
        elif key not in _NAMED and not _PATTERN.fullmatch(key):
            meant = nearest(key.lower(), _NAMED)
            hint = f"; did you mean {meant}?" if meant else "; keys are such as R, ?, f5, ctrl+r, space or pagedown."
            yield f"keys.{shown}: “{printable(key, 40)}” is not a key that arrives through every terminal{hint}"


def _conflicts(changes: Mapping[str, str]) -> Iterator[str]:
    for context in keymap.CONTEXTS:
        holders: dict[str, str] = {}
        for binding in (*context.own, *context.shared):
            if binding.id is None:
                continue
            for key in _split(changes.get(binding.id, binding.key)):
                other = holders.setdefault(key, binding.id)
                if other != binding.id and {other, binding.id} & changes.keys():
                    mine, its = (other, binding.id) if other in changes else (binding.id, other)
                    yield f"keys.{mine}: {key} is the key of {its} already; give that another one as well."
                if context.typing and binding.id in changes and len(key) == 1:
                    yield f"keys.{binding.id}: {key} is typed there as text; choose an F key or ctrl with a letter."


def _split(keys: str) -> tuple[str, ...]:
    """The keys of a comma-separated list; a comma is a key where it stands alone."""
    parts = [part.strip() for part in keys.split(",")] if keys.strip() != "," else [","]
    return tuple(_LONG_NAMES.get(part, part) for part in parts)


def _home(binding: str) -> str:
    return keymap.HOMES[binding.partition(".")[0]]


def shown_keys(app: "App[Any]") -> ShownKeys:
    """Those of Wharf, for sentences that name a key."""
    return cast("WharfApp", app).shown_keys


def as_keymap(changes: Mapping[str, str]) -> dict[str, str]:
    """The same for `App.set_keymap`, which does not know a comma alone."""
    return {binding: "comma" if keys.strip() == "," else keys for binding, keys in changes.items()}
