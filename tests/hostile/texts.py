"""Texts that mean harm to whoever shows them, and the eye that sees whether they did."""

import unicodedata

from hypothesis import strategies as st

_WEAPONS = (
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[31m",
    "\x9b31m",
    "\r\n",
    "\b\b\b",
    "\0",
    "\x7f",
    "[red]",
    "[/]",
    "[@click=app.quit]x[/]",
    "[link=http://evil.example]",
    "\u202e",
    "\u2066",
    "\u200b\ufeff",
    "\u2028",
    "\udc80",
    "\ue000",
    "\\x1b",
    "%s{}{0.__class__}",
    "日本",
    "e\u0301",
)

texts = st.lists(st.sampled_from(_WEAPONS) | st.text(max_size=8), max_size=6).map("".join) | st.text(max_size=30)
"""Of every kind, with what is known to do harm more often than chance would have it."""

names = texts.filter(bool)


def harmful(shown: str, *, lines: bool = False) -> set[str]:
    """The characters in it that a terminal would obey or that would reorder a line; `lines`: line ends are its own."""
    allowed = {"\n"} if lines else set()
    bad = {"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"}
    return {character for character in shown if unicodedata.category(character) in bad} - allowed
