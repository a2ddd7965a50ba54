"""Texts from outside, made safe to show.

File names, banners and error texts are data. Before one reaches a terminal, every character that could move the
cursor, start an escape sequence or reorder the line is replaced by a visible escape. A secret that the text repeats is
taken out (see `scrubbing`).
"""

import unicodedata

from tui.domain.scrubbing import scrubbed

# Cc: control; Cf: format (bidirectional marks, zero-width joiners); Cs: lone surrogates from undecodable names;
# Co/Cn: private and unassigned, whose width no terminal agrees on; Zl/Zp: line and paragraph separators.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def is_safe_character(character: str) -> bool:
    """Whether the character can be shown as it is without any effect beyond its own cell. What Python calls printable
    can, and a few kinds of space besides.
    """
    return unicodedata.category(character) not in _UNSAFE_CATEGORIES


def plain_text(value: str) -> str:
    """The value. Raises ValueError, with a sentence, where it holds what cannot be shown as it is."""
    if not (value.isprintable() or all(map(is_safe_character, value))):
        raise ValueError("must not contain control characters or invisible marks")
    return value


def _escape(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def printable(text: str, limit: int | None = None) -> str:
    """The text on one line, with unsafe characters shown as escapes such as `\\x1b`.

    With `limit`, at most that many characters; a cut is marked by an ellipsis at the end.
    """
    # One more than fits is looked at, so that a text of any length costs no more than what is shown of it.
    seen = scrubbed(text) if limit is None else scrubbed(text, limit + 1)[: limit + 1]
    if not seen.isprintable():
        seen = "".join(character if is_safe_character(character) else _escape(character) for character in seen)
    return seen if limit is None or len(seen) <= limit else seen[: limit - 1] + "…"
