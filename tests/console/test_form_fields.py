"""The fields of the form, without a screen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tests.cli.test_connection_file import valid_connections
from tui.console.forms.fields import Kind, Where, data_of, is_asked, sections, values_of
from tui.domain.connection import Connection
from tui.domain.endpoint import EmailEndpoint, FtpEndpoint, SftpEndpoint
from tui.domain.terms import Direction, Method
from tui.domain.text import printable

FIELDS = {field.where: field for section in sections() for field in section.fields}


def test_every_key_of_a_connection_has_one_field() -> None:
    endpoints: dict[str, type[BaseModel]] = {"sftp": SftpEndpoint, "ftp": FtpEndpoint, "email": EmailEndpoint}
    wanted: list[Where] = [(name,) for name in Connection.model_fields if name not in endpoints]
    for table, model in endpoints.items():
        wanted += [(table, info.alias or name) for name, info in model.model_fields.items()]
    assert sorted(field.where for section in sections() for field in section.fields) == sorted(wanted)


def test_every_field_explains_itself() -> None:
    unexplained = [where for where, field in FIELDS.items() if not field.help and where[-1] != "port"]
    assert unexplained == []


def test_enumerations_are_choices_with_labels() -> None:
    assert FIELDS["method",].choices == (("sftp", "SFTP"), ("ftp", "FTP"), ("email", "Email"))
    assert FIELDS["direction",].kind is Kind.CHOICE
    assert ("conversions", "Conversion data") in FIELDS["type",].choices


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("direction", Direction)
def test_only_what_belongs_to_method_and_direction_is_asked(method: Method, direction: Direction) -> None:
    asked = {where for where in FIELDS if is_asked(where, method=method, direction=direction, after="keep")}
    assert {where[0] for where in asked if len(where) > 1} == {method.value}
    mail_only = {
        "sender": "outbound",
        "recipients": "outbound",
        "subject": "outbound",
        "folder": "inbound",
        "from": "inbound",
    }
    for key, only in mail_only.items():
        assert (("email", key) in asked) == (method is Method.EMAIL and direction == only)
    assert ("move_to",) not in asked
    assert is_asked(("move_to",), method=method, direction=direction, after="move")


def as_shown(connection: Connection) -> dict[Where, str | bool]:
    """What the fields hold when the connection is opened for editing."""
    shape = {"method": connection.method, "direction": connection.direction, "after": connection.after}
    shown = values_of(connection)
    return {
        where: value if isinstance(value := shown.get(where, ""), bool) else printable(value)
        for where, field in FIELDS.items()
        if is_asked(where, **shape) and (where in shown or field.kind is not Kind.SWITCH)
    }


ENDPOINTS: dict[str, dict[str, object]] = {
    "sftp": {"host": "sftp.acme.example", "username": "wharf", "key": "~/.ssh/id"},
    "ftp": {"host": "ftp.acme.example", "username": "wharf", "secret": "env:X"},
    "email": {"host": "mail.acme.example", "username": "wharf", "secret": "env:X"},
}


@given(valid_connections())
def test_a_connection_comes_out_of_the_form_as_it_went_in(connection: Connection) -> None:
    expected = connection
    if connection.after != "move":
        # Not asked then, and without a meaning.
        expected = connection.model_copy(update={"move_to": None})
    assert Connection.model_validate(data_of(as_shown(connection), connection)) == expected


@given(valid_connections(), st.sampled_from(["", " ", "x", "\x1b[2J", ","]))
def test_what_is_typed_over_it_is_what_counts(connection: Connection, typed: str) -> None:
    data = data_of({**as_shown(connection), ("name",): typed}, connection)
    assert data.get("name", "") == typed


def test_a_list_is_typed_with_commas() -> None:
    assert data_of({("pattern",): " a*.csv , b c.csv,, "}) == {"pattern": ["a*.csv", "b c.csv"]}


def test_jump_hosts_are_asked_for_with_every_method_and_shown_again() -> None:
    for method, table in ENDPOINTS.items():
        routed = table | {"jump": ["ops@outer:2222", "inner"], "proxy": "socks5://proxy:1080"}
        fields = {"name": "acme", "direction": "inbound", "method": method, "local_dir": "/in", method: routed}
        shown = values_of(Connection.model_validate(fields))
        assert shown[method, "jump"] == "ops@outer:2222, inner"
        typed: dict[Where, str | bool] = {(method, "jump"): "ops@outer:2222, inner"}
        assert data_of(typed)[method]["jump"] == ["ops@outer:2222", "inner"]
