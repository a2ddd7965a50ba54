"""When Python looks for cycles of objects that nothing refers to any more, which nothing else frees.

What a start makes stays, modules above all. To look through it again and again would cost a seventh of the time of a
short `wharf run`, hold up the first frame of the screen, and later the answer to a key.
"""

import gc

_START = 2.0
"""Seconds until a start is over, on any machine but the slowest."""

_OBJECTS = 20_000
"""Objects with references that are made before cycles among the youngest are looked for; Python's own figure is 700."""


def put_off_collecting() -> None:
    """No search from now on, in this process, until `collect_after_start`."""
    gc.disable()
    gc.set_threshold(_OBJECTS)


def collect_after_start() -> None:
    """Called in an event loop: when it has run for a while, begin to search, where that was put off, among what comes
    from then on."""
    import asyncio

    def begin() -> None:
        if not gc.isenabled():
            gc.freeze()
            gc.enable()

    asyncio.get_running_loop().call_later(_START, begin)
