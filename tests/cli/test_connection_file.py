"""The connection file: what is read, what is refused and with which words, and that nothing is lost on the way."""

import pytest
import tomli_w
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from tui.domain.connection import Connection
from tui.domain.connection_file import (
    WrongConnectionFile,
    changed_keys,
    read_connections,
    write_connections,
)

GOOD = """
[[connection]]
name = "acme"
type = "conversions"
direction = "inbound"
method = "sftp"
local_dir = "~/batches/acme"
pattern = "Conversions_*.csv"
after = "move"
move_to = "done"

[connection.sftp]
host = "sftp.acme.example"
username = "wharf"
secret = "env:ACME_PASSWORD"
directory = "/outgoing"
"""


def refusal(text: str) -> WrongConnectionFile | None:
    try:
        read_connections(text)
    except WrongConnectionFile as error:
        return error
    return None


def problems(text: str) -> list[str]:
    refused = refusal(text)
    assert refused is not None
    return [str(problem) for problem in refused.problems]


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def test_a_file_is_read() -> None:
    (connection,) = read_connections(GOOD)
    assert connection.name == "acme"
    assert connection.pattern == ("Conversions_*.csv",)
    assert connection.sftp is not None
    assert connection.sftp.directory == "/outgoing"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("direction =", "directoin =", "directoin: is not a known key; did you mean direction?"),
        ('"inbound"', '"inbuond"', "direction: must be inbound or outbound; did you mean inbound?"),
        ('"inbound"', '"sideways"', "direction: must be inbound or outbound"),
        ("username =", "user =", "sftp.user: is not a known key; did you mean username?"),
        ("secret =", "password =", "sftp.password: is not a known key; did you mean secret?"),
        ("directory =", "retries = 3\ndirectory =", "sftp.retries: is not a known key; it belongs into [[connection]]"),
        ("pattern =", 'host = "x"\npattern =', "host: is not a known key; it belongs into [connection.sftp]"),
        ('move_to = "done"', "", "move_to: is missing: after = move needs a folder"),
        ('"~/batches/acme"', '"batches"', "local_dir: must be an absolute path or start with ~"),
        ("directory =", "port = 70000\ndirectory =", "sftp.port: must be 65535 or less"),
        ("directory =", 'tls = "none"\ndirectory =', "sftp.tls: is not a known key"),
        ("pattern =", 'check = "warn"\npattern =', "check: is not a known key"),
    ],
)
def test_a_wrong_key_or_value_is_told_with_its_place_and_what_was_meant(old: str, new: str, problem: str) -> None:
    found = problems(changed(old, new))
    assert any(line.startswith(f'connection "acme": {problem}') for line in found), found


def test_every_problem_of_every_connection_is_told_at_once() -> None:
    nameless = '[[connection]]\nmethod = "ftp"\nretries = -1\n'
    found = problems(changed('"inbound"', '"up"') + nameless)
    assert 'connection "acme": direction: must be inbound or outbound' in found
    assert "connection 2: name: is missing" in found
    assert "connection 2: ftp: is missing: it says where the other side is" in found
    assert "connection 2: retries: must be 0 or more" in found


def test_an_item_of_a_list_is_counted_from_one() -> None:
    found = problems(changed('"Conversions_*.csv"', '["a.csv", "b/c.csv"]'))
    assert found == ['connection "acme": pattern[2]: matches names, not paths: it must not contain “/”']


def test_the_key_from_has_no_second_spelling() -> None:
    text = """
[[connection]]
name = "mail"
direction = "inbound"
method = "email"
local_dir = "/in"
[connection.email]
host = "mail.acme.example"
username = "wharf"
secret = "vault:mail"
"""
    (connection,) = read_connections(text + 'from = "*@acme.example"')
    assert connection.email is not None
    assert connection.email.from_ == "*@acme.example"
    assert problems(text + 'from_ = "*@acme.example"') == [
        'connection "mail": email.from_: is not a known key; did you mean from?'
    ]


def test_a_name_is_used_once() -> None:
    assert problems(GOOD + GOOD.replace('"acme"', '" acme "', 1)) == [
        'connection "acme": name: is the name of connections 1 and 2 of the file; each needs its own'
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[connection]]\nname = "a"\nname = "b"\n', "line 3, column 11: is not valid TOML: Cannot overwrite a value"),
        ("a = [", "end of document: is not valid TOML: Invalid value"),
        ("a = " + "[" * 5000, "is nested too deeply to be a connection file"),
        ("a = " + "1" * 5000, "holds a number that is too long to be read"),
        ("[[conection]]", "conection: is not known at the top of the file, which holds [[connection]]; did you mean"),
        ("[sftp]", "sftp: is not known at the top of the file, which holds [[connection]]"),
        ('[connection]\nname = "a"', "connection: must be written [[connection]], with two brackets on each side"),
        ("connection = [1]", "connection: must be tables, each headed [[connection]]"),
    ],
)
def test_what_is_no_connection_file_is_told_with_its_place(text: str, problem: str) -> None:
    found = problems(text)
    assert len(found) == 1
    assert problem in found[0]


@pytest.mark.parametrize("key", ["secret", "host_key", "password", "key", "port", "tls", "agent"])
def test_no_problem_ever_shows_a_value(key: str) -> None:
    wrong = changed('secret = "env:ACME_PASSWORD"', f'{key} = "hunter2 \\n"')
    refused = refusal(wrong)
    assert refused is not None or key == "key"  # the name of a key file may be anything
    assert "hunter2" not in str(refused)


def test_hostile_names_and_keys_are_shown_harmlessly() -> None:
    found = problems(changed('"acme"', '"a\\u001b]0;x\\u0007\\u202e"') + '"\\u001b[2J" = 1\n')
    assert found
    assert all(line.isprintable() for line in found)


def test_changed_keys_are_dotted() -> None:
    (old,) = read_connections(GOOD)
    (new,) = read_connections(changed('"/outgoing"', '"/in"').replace("pattern =", "retries = 9\npattern ="))
    assert changed_keys(old, new) == ["retries", "sftp.directory"]
    assert changed_keys(old, old) == []


def test_the_file_is_written_in_the_order_and_shape_of_the_model() -> None:
    (connection,) = read_connections(GOOD)
    text = write_connections([connection])
    assert text.startswith('[[connection]]\nname = "acme"\ntype = "conversions"\ndirection = "inbound"\n')
    assert 'pattern = "Conversions_*.csv"' in text
    assert text.index("[connection.sftp]") > text.index("enabled = true")
    assert write_connections([]) == ""


words = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")) | st.sampled_from("\"\\'#=[]{} ")
).map(lambda text: text.strip() or "word")
names = words.map(lambda text: text.replace("/", "_").lstrip("- ") or "acme")
hosts = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,20}", fullmatch=True)
ports = st.integers(1, 65535)
secrets = words.map(lambda text: f"vault:{text}")
fingerprints = st.from_regex(r"SHA256:[A-Za-z0-9+/]{43}", fullmatch=True)
addresses = st.from_regex(r"[a-z.]{1,20}@[a-z.]{1,20}", fullmatch=True)

sftp = st.fixed_dictionaries(
    {"username": words, "host": hosts, "secret": secrets},
    optional={
        "port": ports,
        "key": words,
        "agent": st.booleans(),
        "ssh_config": words,
        "directory": words,
        "host_key": fingerprints,
    },
)
ftp = st.fixed_dictionaries(
    {"host": hosts, "username": words, "secret": secrets},
    optional={
        "port": ports,
        "tls": st.sampled_from(["explicit", "implicit", "none"]),
        "ca_file": words,
        "fingerprint": fingerprints,
        "directory": words,
    },
)
mail_out = st.fixed_dictionaries(
    {"host": hosts, "sender": addresses, "recipients": st.lists(addresses, min_size=1, max_size=3)},
    optional={"port": ports, "subject": words.map(lambda text: text.replace("{", "(") + " {file} {date}")},
)
mail_in = st.fixed_dictionaries(
    {"host": hosts, "username": words, "secret": secrets},
    optional={"folder": words, "from": words, "tls": st.sampled_from(["starttls", "implicit", "none"])},
)
general = st.fixed_dictionaries(
    {"name": names.map(lambda text: text[:80].strip()), "local_dir": words.map(lambda text: f"/{text}")},
    optional={
        "type": st.sampled_from(["conversions", "other", "our_own-2"]),
        "pattern": names | st.lists(names, min_size=1, max_size=4),
        "verify": st.sampled_from(["auto", "size"]),
        "retries": st.integers(0, 20),
        "stall_timeout": st.integers(1, 3600),
        "enabled": st.booleans(),
    },
)
afters = st.sampled_from([{}, {"after": "keep"}, {"after": "delete"}]) | words.map(
    lambda folder: {"after": "move", "move_to": folder}
)
ways = st.sampled_from(["inbound", "outbound"])
exchanges = st.one_of(
    st.builds(lambda way, table: {"direction": way, "method": "sftp", "sftp": table}, ways, sftp),
    st.builds(lambda way, table: {"direction": way, "method": "ftp", "ftp": table}, ways, ftp),
    mail_out.map(lambda table: {"direction": "outbound", "method": "email", "email": table}),
    mail_in.map(lambda table: {"direction": "inbound", "method": "email", "email": table}),
)


def _valid(data: dict[str, object]) -> Connection | None:
    try:
        return Connection.model_validate(data)
    except ValidationError:
        return None


@st.composite
def valid_connections(draw: st.DrawFn) -> Connection:
    connection = _valid(draw(general) | draw(afters) | draw(exchanges))
    assume(connection is not None)
    assert connection is not None
    return connection


@given(st.lists(valid_connections(), max_size=4, unique_by=lambda connection: connection.name))
def test_whatever_is_valid_survives_the_way_through_a_file(connections: list[Connection]) -> None:
    assert read_connections(write_connections(connections)) == connections


@given(st.text() | st.text('[]{}"=\n.#, connectio').map(lambda text: f"[[connection]]\n{text}"))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    refused = refusal(text)
    if refused is not None:
        assert refused.problems
        assert all(str(problem).isprintable() for problem in refused.problems)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["host", "tls", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*Connection.model_fields, "x"]), json_values))
def test_a_table_with_values_of_any_kind_is_read_or_refused(data: dict[str, object]) -> None:
    def without_none(value: object) -> object:
        if isinstance(value, dict):
            return {key: without_none(item) for key, item in value.items() if item is not None}
        return [without_none(item) for item in value if item is not None] if isinstance(value, list) else value

    text = tomli_w.dumps({"connection": [without_none(data)]})
    refused = refusal(text)
    assert refused is None or all(problem.where and problem.sentence for problem in refused.problems)
