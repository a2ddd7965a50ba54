"""Filters with a name: kept in a file that a user may edit, shared by the screen and the commands."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.domain.failure import UsageProblem
from tui.domain.text import is_safe_character
from tui.paths import Paths
from tui.saved_filters import SavedFilters


@pytest.fixture
def saved(paths: Paths) -> SavedFilters:
    paths.prepare()
    return SavedFilters(paths.filters, "connections")


def test_what_was_saved_is_there_in_its_order(saved: SavedFilters, paths: Paths) -> None:
    saved.save("failed", "status:failed")
    saved.save("acme", 'acme "two words"')
    saved.save("failed", "status:failed last:<1d")
    SavedFilters(paths.filters, "runs").save("slow", "took:>1h")
    assert saved.all() == {"failed": "status:failed last:<1d", "acme": 'acme "two words"'}
    assert SavedFilters(paths.filters, "runs").all() == {"slow": "took:>1h"}
    saved.delete("failed")
    saved.delete("failed")
    assert list(saved.all()) == ["acme"]
    assert saved.line("acme") == 'acme "two words"'


def test_an_unknown_name_gets_the_nearest(saved: SavedFilters) -> None:
    saved.save("failed", "status:failed")
    with pytest.raises(UsageProblem, match="did you mean failed"):
        saved.line("faild")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[connections", "is not valid TOML"),
        ("\udcff", "is not valid TOML"),
        ("[connection]\na = 'x'", "connection is not a known key"),
        ("[connections]\na = 1", "connections.a must be text"),
        ("[connections]\na = ''", "connections.a must not be empty"),
    ],
)
def test_a_wrong_file_is_refused_and_left_as_it_is(saved: SavedFilters, paths: Paths, content: str, told: str) -> None:
    paths.filters.write_text(content, errors="surrogateescape")
    for attempt in (saved.all, lambda: saved.save("a", "b")):
        with pytest.raises(UsageProblem, match=told):
            attempt()
    assert paths.filters.read_text(errors="surrogateescape") == content


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=50), st.text(max_size=50))
def test_any_name_and_line_comes_back_or_is_refused(tmp_path: Path, name: str, line: str) -> None:
    saved = SavedFilters(tmp_path / "filters.toml", "runs")
    if (
        name.strip()
        and line.strip()
        and all(map(is_safe_character, name.strip() + line.strip()))
        and len(name.strip()) <= 40
    ):
        saved.save(name, line)
        assert saved.line(name.strip()) == line.strip()
    else:
        with pytest.raises(UsageProblem) as refused:
            saved.save(name, line)
        assert all(map(is_safe_character, str(refused.value)))
