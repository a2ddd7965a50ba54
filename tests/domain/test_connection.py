"""What a connection may be, and that everything wrong with one is said at once."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tui.domain.connection import Connection
from tui.domain.endpoint import FtpEndpoint, SftpEndpoint
from tui.domain.problems import problems_of
from tui.domain.terms import Direction

SFTP: dict[str, Any] = {
    "name": "acme",
    "direction": "inbound",
    "method": "sftp",
    "local_dir": "~/in",
    "sftp": {"host": "h.example", "username": "u", "secret": "env:X"},
}
FTP: dict[str, Any] = SFTP | {"method": "ftp", "sftp": None, "ftp": {"host": "h", "username": "u", "secret": "env:X"}}
SMTP: dict[str, Any] = SFTP | {
    "method": "email",
    "direction": "outbound",
    "sftp": None,
    "email": {"host": "h", "sender": "a@b.example", "recipients": ["c@d.example"]},
}
IMAP: dict[str, Any] = SFTP | {
    "method": "email",
    "sftp": None,
    "email": {"host": "h", "username": "u", "secret": "env:X", "from": "*@p.example"},
}


def wrong(data: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        Connection.model_validate(data)
    return {problem.path: problem.sentence for problem in problems_of(caught.value)}


@pytest.mark.parametrize("data", [SFTP, FTP, SMTP, IMAP], ids=["sftp", "ftp", "smtp", "imap"])
def test_a_minimal_connection_of_each_method(data: dict[str, Any]) -> None:
    connection = Connection.model_validate(data)
    assert Connection.model_validate(connection.model_dump(by_alias=True)) == connection


def test_defaults_are_the_safe_ones() -> None:
    connection = Connection.model_validate(FTP)
    assert connection.ftp is not None
    assert (connection.ftp.tls, connection.after, connection.verify) == ("explicit", "keep", "auto")
    mail = Connection.model_validate(SMTP).email
    assert mail is not None
    assert mail.tls == "starttls"


def test_everything_wrong_is_said_at_once() -> None:
    problems = wrong(
        {
            "name": "-x",
            "direction": "in",
            "method": "sftp",
            "local_dir": "relative",
            "pattern": ["ok", "a/b"],
            "after": "move",
            "retries": -1,
            "colour": "red",
            "sftp": {"port": "many", "hots": "h"},
        }
    )
    assert set(problems) == {
        "name",
        "direction",
        "local_dir",
        "pattern.1",
        "retries",
        "colour",
        "sftp.port",
        "sftp.hots",
        "move_to",
        "sftp.host",
        "sftp.username",
        "sftp.secret",
    }
    assert all(sentence and sentence[0].islower() for sentence in problems.values())


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (SFTP | {"sftp": SFTP["sftp"] | {"host": "sftp://h"}}, "sftp.host"),
        (SFTP | {"sftp": SFTP["sftp"] | {"host": "h.example:22"}}, "sftp.host"),
        (SFTP | {"sftp": SFTP["sftp"] | {"host": "192.0.2.7:22"}}, "sftp.host"),
        (SFTP | {"sftp": SFTP["sftp"] | {"host": "[2001:db8::1]"}}, "sftp.host"),
        (SFTP | {"sftp": SFTP["sftp"] | {"host": "fe80::1%\x1b[2J"}}, "sftp.host"),
        (SFTP | {"sftp": SFTP["sftp"] | {"host": "-oProxyCommand=id"}}, "sftp.host"),
        (SFTP | {"sftp": SFTP["sftp"] | {"username": "u\udce9"}}, "sftp.username"),
        (SFTP | {"sftp": SftpEndpoint(host="h")}, "sftp.username"),
        (SFTP | {"sftp": SFTP["sftp"] | {"host_key": "md5:00"}}, "sftp.host_key"),
        (SFTP | {"sftp": None}, "sftp"),
        (SFTP | {"ftp": FTP["ftp"]}, "ftp"),
        (FTP | {"ftp": FTP["ftp"] | {"tls": "maybe"}}, "ftp.tls"),
        (FTP | {"ftp": {"host": "h", "username": "u"}}, "ftp.secret"),
        (SMTP | {"email": SMTP["email"] | {"sender": "Acme <a@b>"}}, "email.sender"),
        (SMTP | {"email": SMTP["email"] | {"sender": "a@b\r\nBcc: x@y"}}, "email.sender"),
        (SMTP | {"email": SMTP["email"] | {"sender": "a@b\u202e"}}, "email.sender"),
        (SMTP | {"email": SMTP["email"] | {"subject": "a\r\nBcc: x@y"}}, "email.subject"),
        (SMTP | {"email": SMTP["email"] | {"subject": "{password}"}}, "email.subject"),
        (SMTP | {"email": SMTP["email"] | {"folder": "INBOX"}}, "email.folder"),
        (SMTP | {"email": SMTP["email"] | {"username": "u"}}, "email.secret"),
        (SMTP | {"verify": "reread"}, "verify"),
        (IMAP | {"email": IMAP["email"] | {"recipients": ["a@b.example"]}}, "email.recipients"),
        (IMAP | {"email": {"host": "h"}}, "email.username"),
        (SFTP | {"name": "a\x1b[0m"}, "name"),
        (SFTP | {"local_dir": "~/\u202e"}, "local_dir"),
        (SFTP | {"schedule": "* * * * *"}, "schedule"),
        (SFTP | {"check": "warn"}, "check"),
    ],
)
def test_one_wrong_field_is_said_where_it_is(data: dict[str, Any], where: str) -> None:
    assert where in wrong(data)


ANY_VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["9" * 5000, "x" * 2000, 10**400, "caf\udce9", ["x"] * 60]),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.sampled_from(["host", "port", "tls", "colour"]), st.text(max_size=5)),
)
FIELDS = [*Connection.model_fields, "colour", "password"]


# The first texts of a fresh interpreter are slow to make, whatever is asked of them.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from([SFTP, FTP, SMTP, IMAP]), st.dictionaries(st.sampled_from(FIELDS), ANY_VALUE))
def test_any_nonsense_is_refused_in_our_own_words(base: dict[str, Any], changes: dict[str, Any]) -> None:
    try:
        Connection.model_validate(base | changes)
    except ValidationError as error:
        for problem in problems_of(error):
            assert problem.sentence[0].islower(), problem
            assert "pydantic" not in problem.sentence


@given(st.text(min_size=1, max_size=60).filter(lambda value: value.partition(":")[0] not in {"env", "file", "cmd"}))
def test_a_password_in_the_place_of_a_reference_is_never_repeated(password: str) -> None:
    secret = f"hunter2{password}"
    with pytest.raises(ValidationError) as caught:
        Connection.model_validate(SFTP | {"sftp": SFTP["sftp"] | {"secret": secret}})
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value)
    assert "hunter2" not in str([problem.sentence for problem in problems_of(caught.value)])


def test_an_alias_of_ssh_config_needs_no_more() -> None:
    assert Connection.model_validate(SFTP | {"sftp": {"ssh_config": "partner"}}).address == "sftp://partner:22/."


def test_a_section_8_example_is_taken() -> None:
    data = SFTP | {"after": "keep", "move_to": "done", "type": "conversions", "pattern": "Conversions_*.csv"}
    assert Connection.model_validate(data).pattern == ("Conversions_*.csv",)


@pytest.mark.parametrize(
    ("data", "address"),
    [
        (SFTP, "sftp://u@h.example:22/."),
        (SFTP | {"sftp": SFTP["sftp"] | {"host": "2001:db8::1"}}, "sftp://u@[2001:db8::1]:22/."),
        (SFTP | {"sftp": SFTP["sftp"] | {"host": "fe80::1%eth0"}}, "sftp://u@[fe80::1%eth0]:22/."),
        (FTP | {"ftp": FTP["ftp"] | {"host": "::1"}}, "ftps://u@[::1]:21/."),
        (SMTP | {"email": SMTP["email"] | {"host": "::1"}}, "smtp://[::1]:587"),
        (FTP, "ftps://u@h:21/."),
        (FTP | {"ftp": FTP["ftp"] | {"tls": "implicit"}}, "ftps://u@h:990/."),
        (FTP | {"ftp": FTP["ftp"] | {"tls": "none", "directory": "/in"}}, "ftp://u@h:21/in"),
        (SMTP, "smtp://h:587"),
        (SMTP | {"email": SMTP["email"] | {"tls": "implicit"}}, "smtp://h:465"),
        (IMAP, "imap://u@h:143/INBOX"),
        (IMAP | {"email": IMAP["email"] | {"tls": "implicit", "folder": "Batch"}}, "imap://u@h:993/Batch"),
    ],
)
def test_addresses_and_default_ports(data: dict[str, Any], address: str) -> None:
    assert Connection.model_validate(data).address == address


def test_directions_have_labels() -> None:
    assert [direction.label for direction in Direction] == ["Inbound", "Outbound"]


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "cp1252", "iso-8859-15", "cp437", "shift_jis", "gb18030"])
def test_names_over_ftp_may_be_in_any_encoding_that_keeps_ascii(encoding: str) -> None:
    connection = Connection.model_validate(FTP | {"ftp": FTP["ftp"] | {"encoding": encoding}})
    assert isinstance(connection.endpoint, FtpEndpoint)
    assert connection.endpoint.encoding == encoding


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-7", "utf-8-sig", "idna", "punycode", "raw_unicode_escape", "cp037", "hz"]
)
def test_an_encoding_that_would_change_commands_is_refused(encoding: str) -> None:
    assert wrong(FTP | {"ftp": FTP["ftp"] | {"encoding": encoding}}) == {
        "ftp.encoding": "must write ASCII as it is, as utf-8, cp1252, iso-8859-15 and cp437 do"
    }


@pytest.mark.parametrize("encoding", ["", "klingon", "rot13", "base64", "utf\n8", "\0"])
def test_what_is_no_encoding_is_refused(encoding: str) -> None:
    assert list(wrong(FTP | {"ftp": FTP["ftp"] | {"encoding": encoding}})) == ["ftp.encoding"]


@pytest.mark.parametrize(
    ("data", "encrypted"),
    [(SFTP, True), (FTP, True), (SMTP, True), (FTP | {"ftp": FTP["ftp"] | {"tls": "none"}}, False)],
)
def test_what_is_encrypted(data: dict[str, Any], *, encrypted: bool) -> None:
    assert Connection.model_validate(data).encrypted is encrypted
