"""Rules for file names: which are safe to use on either side, and which match a connection's pattern."""

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from functools import lru_cache

PART_SUFFIX = ".wharf-part"
"""Ends the name of every file that is not complete yet, on either side."""

ASIDE_SUFFIX = ".wharf-gone"
"""Ends the name of a delivered file while it is deleted or moved away at its source."""

LONGEST_NAME = 255 - max(len(PART_SUFFIX), len(ASIDE_SUFFIX))
"""In bytes of UTF-8: what common file systems take, less room for a suffix of ours."""


_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_. -]{0,99}")
"""Names that are safe at first sight."""


def why_unsafe(name: str) -> str | None:
    """Say why a name from outside must not be used as a file name, or None when it is safe.

    A safe name is one segment of a path: it cannot leave its folder, inject a protocol command or run a terminal
    escape, and it fits into a file system.
    """
    if _PLAIN.fullmatch(name):
        # Nearly all names are, and a listing has many.
        return None
    if not name:
        return "the name is empty"
    if name in {".", ".."}:
        return "the name stands for a folder"
    if "/" in name or "\\" in name:
        return "the name contains a path separator"
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in name):
        return "the name contains control characters"
    if any(0xD800 <= ord(character) <= 0xDFFF for character in name):
        return "the name is not valid text in the server's encoding"
    if any(character in "\u2028\u2029" for character in name):
        return "the name contains line separators"
    if len(name.encode()) > LONGEST_NAME:
        return f"the name is longer than {LONGEST_NAME} bytes"
    return None


def part_name(name: str) -> str:
    """The temporary name under which a file travels until it is complete."""
    return name + PART_SUFFIX


def aside_name(name: str) -> str:
    """The name, or path, that a delivered file has while it is deleted or moved away."""
    return name + ASIDE_SUFFIX


def name_before_aside(name: str) -> str:
    """What the file is called that may have been set aside."""
    return name.removesuffix(ASIDE_SUFFIX)


def is_aside(name: str) -> bool:
    """Whether this is a file that Wharf has set aside to delete or to move it."""
    return name.endswith(ASIDE_SUFFIX)


def unused_name(name: str, is_used: Callable[[str], bool]) -> str:
    """The name itself, or with `-2`, `-3` and so on before its ending, so that nothing is overwritten."""
    if not is_used(name):
        return name
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (name, "")
    number = 2
    while is_used(f"{stem}-{number}{ending}"):
        number += 1
    return f"{stem}-{number}{ending}"


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether the name matches one of the patterns (`*`, `?`, `[...]`), case and all."""
    return _expression(tuple(patterns)).match(name) is not None


@lru_cache(maxsize=256)
def _expression(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """All patterns in one: a listing has many names, and a connection has several patterns."""
    return re.compile("|".join(map(translate, patterns)) or r"(?!)")


def is_partial(name: str) -> bool:
    """Whether this is one of Wharf's own unfinished files."""
    return name.endswith(PART_SUFFIX)
