"""What is shown reaches the terminal in order, however slowly it reads, and nobody waits for it."""

import os
from collections.abc import Iterator
from time import monotonic

import pytest

from tui.console.terminal import _Outlet

PAGE = "█" * 100_000


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_nobody_waits_for_a_terminal_that_does_not_read_and_nothing_is_lost(pipe: tuple[int, int]) -> None:
    theirs, ours = pipe
    outlet = _Outlet(open(ours, "w", encoding="utf-8", closefd=False))  # noqa: SIM115 - the fixture closes it
    for number in range(100):
        outlet.write(f"{number}{PAGE}")
    assert outlet.is_behind
    expected = "".join(f"{number}{PAGE}" for number in range(100)).encode()
    got = b""
    while len(got) < len(expected):
        got += os.read(theirs, 1 << 20)
    outlet.drain()
    assert got == expected
    assert not outlet.is_behind


def test_a_terminal_that_has_gone_costs_nothing_but_what_is_shown(pipe: tuple[int, int]) -> None:
    theirs, ours = pipe
    os.dup2(ours, theirs)
    outlet = _Outlet(open(ours, "w", encoding="utf-8", closefd=False))  # noqa: SIM115 - the fixture closes it
    outlet.write(PAGE)
    outlet.write(PAGE)
    outlet.drain()
    assert not outlet._thread.is_alive()


def test_a_terminal_that_takes_its_time_is_congested_until_it_has_read(pipe: tuple[int, int]) -> None:
    theirs, ours = pipe
    outlet = _Outlet(open(ours, "w", encoding="utf-8", closefd=False))  # noqa: SIM115 - the fixture closes it
    assert not outlet.is_congested
    outlet.write(PAGE)
    deadline = monotonic() + 10
    while not outlet.is_congested:
        assert monotonic() < deadline
    read = 0
    while read < len(PAGE.encode()):
        read += len(os.read(theirs, 1 << 20))
    outlet.drain()
    assert not outlet.is_congested
