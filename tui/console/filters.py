"""What is drawn, for terminals that have no other characters than those of ASCII.

It works on finished lines, so that no widget needs to know of it, and keeps every width.
"""

import os
import sys
from functools import lru_cache
from typing import Literal

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_SIGNS = {
    # States, marks and what they are made of.
    "·": "-",
    "▶": ">",
    "✓": "+",
    "✗": "x",
    "●": "*",
    "○": "o",
    "•": "*",
    "⏸": "=",
    # Order, menus, ways.
    "▲": "^",
    "▼": "v",
    "▴": "^",
    "▾": "v",
    "▸": ">",
    "‹": "<",
    "›": ">",
    "→": ">",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "↳": "`",
    # Punctuation.
    "…": "~",
    "–": "-",
    "—": "-",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "\u00a0": " ",
    "×": "x",
    "⭘": "o",
}

_BARS = {"█▉▊▋▌▐▓▒▇▆▅▄▀▔": "#", "▍▎▏░▃▂▁▕": "."}

_LINES = {
    "─━═╌╍┄┅┈┉╴╶╸╺": "-",
    "│┃║╎╏┆┇┊┋╵╷╹╻": "|",
    "╭╮╰╯┌┐└┘├┤┬┴┼┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬": "+",
    "▘▝▖▗▛▜▙▟▚▞": "+",
}

_DOTS = {chr(pattern): "x" for pattern in range(0x2801, 0x2900)} | {"\u2800": " "}
"""Patterns of Braille; bars are drawn with them."""

_TABLE = str.maketrans(_SIGNS | _DOTS | {sign: plain for signs, plain in (_BARS | _LINES).items() for sign in signs})


class AsciiFilter(LineFilter):
    """Draws signs, bars and borders with ASCII; of other characters it shows that there are some."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [
            segment if segment.text.isascii() else Segment(in_ascii(segment.text), segment.style, segment.control)
            for segment in segments
        ]


@lru_cache(4096)
def in_ascii(text: str) -> str:
    """The text in as many cells as before."""
    plain = text.translate(_TABLE)
    return plain if plain.isascii() else "".join(c if c.isascii() else "?" * cell_len(c) for c in plain)


def needs_ascii(setting: bool | Literal["auto"]) -> bool:
    """Whether to draw with ASCII only: as the setting says, or else where the locale has nothing else. The font of the
    Linux console has no signs either.
    """
    if setting != "auto":
        return setting
    encoding = getattr(sys.__stderr__, "encoding", None) or "ascii"
    return "utf" not in encoding.lower() or os.environ.get("TERM") == "linux"
