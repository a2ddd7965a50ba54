"""The meaning of a filter line."""

from hypothesis import given
from hypothesis import strategies as st

from tests.console.fakes import connection
from tui.console.screens.connection_filter import FACETS, chosen, facet_values, parse_filter, with_chosen
from tui.console.screens.connection_rows import searchable
from tui.domain.run import Status
from tui.store.base import ConnectionState

STATES = [
    ConnectionState(connection("acme"), Status.NONE, None, None),
    ConnectionState(connection("borealis", type="modifications", method="ftp"), Status.FAILED, None, None),
    ConnectionState(connection("cobalt", direction="outbound", method="email"), Status.IN_PROGRESS, None, None),
]
VALUES = facet_values(STATES)


def found(line: str) -> list[str]:
    understood = parse_filter(line, VALUES)
    return [state.connection.name for state in STATES if understood.accepts(state, searchable(state))]


@given(st.text())
def test_any_line_is_understood_or_reported(line: str) -> None:
    understood = parse_filter(line, VALUES)
    assert understood.problem is None or understood.problem.isprintable()
    found(line)


@given(st.dictionaries(st.sampled_from(FACETS), st.sets(st.integers(0, 3)), max_size=4))
def test_choices_of_the_menus_survive_in_the_line(picked: dict[str, set[int]]) -> None:
    choices = {
        facet: {value for place, value in enumerate(VALUES[facet]) if place in places}
        for facet, places in picked.items()
    }
    line = with_chosen("acme  type:other", choices)
    assert line.startswith("acme")
    back = chosen(line, VALUES)
    assert {facet: values for facet, values in back.items() if values} == {
        facet: values for facet, values in choices.items() if values
    }


def test_values_are_found_by_key_and_by_title() -> None:
    assert found("type:mod") == ["borealis"]
    assert found("type:action") == ["borealis"]
    assert found("status:in-progress") == ["cobalt"]


def test_terms_of_one_column_are_alternatives_and_columns_are_not() -> None:
    assert found("method:sftp method:ftp") == ["acme", "borealis"]
    assert found("method:sftp,ftp status:failed") == ["borealis"]


def test_a_term_that_is_being_typed_does_not_hide_rows() -> None:
    assert found("status:") == ["acme", "borealis", "cobalt"]
    assert found("status:zzz") == ["acme", "borealis", "cobalt"]
