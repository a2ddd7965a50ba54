"""What a terminal was told about itself."""

import re

ALTERNATE_SCREEN = b"1049"
MOUSE = (b"1000", b"1003", b"1015", b"1006")
CURSOR = b"25"


def is_set(seen: bytes, mode: bytes) -> bool:
    """Whether the private mode is set after all that was written (ECMA-48 8.3.125 and 8.3.106, with DEC's `?`)."""
    last = re.findall(rb"\x1b\[\?" + mode + rb"([hl])", seen)[-1]
    return bool(last == b"h")


def assert_as_it_was(seen: bytes) -> None:
    assert not is_set(seen, ALTERNATE_SCREEN)
    assert not [mode for mode in MOUSE if is_set(seen, mode)]
    assert is_set(seen, CURSOR)
    assert b"Traceback" not in seen
