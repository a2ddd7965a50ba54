"""The recorded walk is one that can be shown to anybody, and shows the program as it is."""

import getpass
import platform
import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.pty.modes import assert_as_it_was
from tests.walk.cast import Cast, Kind, loads
from tests.walk.steps import STEPS
from tests.walk.walk import PATH, chapters, record
from tui.demo.partners import PASSWORD

LIVE = STEPS[-1]
"""Takes twenty seconds, and nothing of it stands still."""

# What is another one in each walk, all of the same width.
_VARYING = re.compile(r"wharf-demo-\w+|wharf-test-\w+|SHA256:[\w+/]+…?")
# What may be of another width: times, speeds, dates, and the blanks that fill up their columns.
_FIGURES = re.compile(
    r"(Today|Yesterday), \w+ \d+ \w+|\b(today|yesterday)\b|[\d.:]*\d( (ms|s|min|[kMGT]?B)\b)?|[ ▁-█]+"
)


@pytest.fixture(scope="module")
def stored() -> Cast:
    assert PATH.exists(), "python -m tests.walk records the walk"
    return loads(PATH.read_text(encoding="utf-8"))


def test_it_is_a_well_formed_cast(stored: Cast) -> None:
    assert stored.dumps() == PATH.read_text(encoding="utf-8")
    times = [event.seconds for event in stored.events]
    assert times == sorted(times)
    assert times[0] == 0
    assert (stored.columns, stored.rows) == (100, 30)
    assert [event.text for event in stored.events if event.kind is Kind.MARKER] == [
        *(step.title for step in STEPS),
        "Quit",
    ]


def test_nobody_has_to_wait_for_long(stored: Cast) -> None:
    times = [event.seconds for event in stored.events]
    assert max(later - earlier for earlier, later in pairwise(times)) <= 6
    assert times[-1] < 120


def test_the_terminal_is_as_it_was_at_the_end(stored: Cast) -> None:
    assert_as_it_was("".join(event.text for event in stored.events if event.kind is Kind.OUTPUT).encode())


def test_nothing_of_the_machine_and_no_secret_is_in_it(stored: Cast) -> None:
    text = "".join(event.text for event in stored.events)
    for screen in (text, *("\n".join(lines) for _, lines in chapters(stored))):
        assert PASSWORD not in screen
        assert "expired-in" not in screen
        assert not re.search(r"/(home|root|Users|work)\b", screen)
        assert set(re.findall(r"/tmp/[\w-]{0,11}", screen)) <= {"/tmp/wharf-demo-"}
        assert str(Path.home()) not in screen
        assert platform.node() not in screen.split()
        assert f"{getpass.getuser()}@" not in screen


def alike(lines: list[str]) -> list[str]:
    """The lines without what is another one in each walk."""
    return [_FIGURES.sub(_stand_in, _VARYING.sub("…", line)) for line in lines]


def _stand_in(found: "re.Match[str]") -> str:
    return " " if found[0].isspace() or set(found[0]) <= set(" ▁▂▃▄▅▆▇█") else "0"


@pytest.mark.timeout(110)
def test_it_shows_the_program_as_it_is(stored: Cast) -> None:
    now = {title: alike(lines) for title, lines in chapters(record([step for step in STEPS if step is not LIVE]))}
    then = {title: alike(lines) for title, lines in chapters(stored)}
    for title, lines in now.items():
        if title != "Quit":
            assert lines == then[title], "the console has changed: python -m tests.walk records the walk again"
