"""Jump hosts and proxies as a connection names them."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.connection import Connection
from tui.domain.connection_file import WrongConnectionFile, changed_keys, read_connections, write_connections
from tui.domain.route import JumpHost, Proxy, parse_jump, parse_proxy

SFTP = {"host": "sftp.acme.example", "username": "wharf", "key": "~/.ssh/id"}


def connection(**endpoint: Any) -> Connection:
    fields = {"name": "acme", "direction": "inbound", "method": "sftp", "local_dir": "/in", "sftp": SFTP | endpoint}
    return Connection.model_validate(fields)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ops@bastion", JumpHost("ops", "bastion", None)),
        ("ops@bastion.example:2222", JumpHost("ops", "bastion.example", 2222)),
        ("ops@[2001:db8::1]:22", JumpHost("ops", "2001:db8::1", 22)),
        ("ops@10.0.0.1", JumpHost("ops", "10.0.0.1", None)),
        ("bastion", JumpHost(None, "bastion", None)),
        ("bastion:2222", JumpHost(None, "bastion", 2222)),
        # As gateways that log sessions want it: the user there, then the user here.
        ("root@target@ops@bastion", JumpHost("root@target@ops", "bastion", None)),
    ],
)
def test_a_jump_host_is_read_and_written(text: str, expected: JumpHost) -> None:
    assert parse_jump(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "@bastion", "ops@", "ops@bastion:", "ops@bastion:0", "ops@bastion:65536", "ops@bastion:port"),
        *("ops:hunter2@bastion", "ops@2001:db8::1", "ops@[bastion", "a,b", "ops@a,ops@b", "-oProxyCommand=x@b", "-b"),
        *("ops@bas tion", "ssh://ops@bastion", "ops@bastion/", "ops@$(id)", "$(id)", "o\nps@bastion"),
    ],
)
def test_what_is_no_jump_host_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(WrongConnectionFile) as caught:
        read_connections(write_connections([connection()]) + f"jump = [{_quoted(text)}]\n")
    [problem] = caught.value.problems
    assert problem.key == "sftp.jump[1]"
    assert problem.sentence.startswith(("must ", "cannot "))
    assert "hunter2" not in problem.sentence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("socks5://proxy", Proxy(None, "proxy", 1080)),
        ("socks5://proxy:9050/", Proxy(None, "proxy", 9050)),
        ("SOCKS5://ops@[::1]:9050", Proxy("ops", "::1", 9050)),
    ],
)
def test_a_proxy_is_read(text: str, expected: Proxy) -> None:
    assert parse_proxy(text) == expected


@pytest.mark.parametrize(
    "text",
    ["proxy:1080", "http://proxy:1080", "socks5h://proxy", "socks5://", "socks5://ops:hunter2@proxy", "socks5:/p"],
)
def test_what_is_no_proxy_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="must ") as caught:
        parse_proxy(text)
    assert "hunter2" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    for parse in (parse_jump, parse_proxy):
        try:
            parse(text)
        except ValueError as error:
            assert str(error).startswith("must ")  # noqa: PT017 - both outcomes are right
        except Exception as error:
            raise AssertionError(text) from error


@pytest.mark.parametrize(
    ("endpoint", "key", "sentence"),
    [
        ({"jump_key": "~/.ssh/id_jump"}, "jump_key", "is of use only with jump"),
        ({"jump_secret": "env:X"}, "jump_secret", "is of use only with jump"),
        ({"proxy": "socks5://ops@proxy"}, "proxy_secret", "is missing"),
        ({"proxy": "socks5://proxy", "proxy_secret": "env:X"}, "proxy_secret", "is of use only"),
        ({"jump": ["ops@b"] * 9}, "jump", "too many"),
        ({"key": None, "secret": "env:X", "certificate": "~/c"}, "certificate", "is of use only with the key"),
        ({"proxy_secret": "hunter2", "proxy": "socks5://ops@proxy"}, "proxy_secret", "must be a reference"),
        ({"ssh_config": "acme;id"}, "ssh_config", "must be a host name"),
    ],
)
def test_what_does_not_fit_together_is_said(endpoint: dict[str, Any], key: str, sentence: str) -> None:
    table = {name: value for name, value in (SFTP | endpoint).items() if value is not None}
    fields = {"name": "acme", "direction": "inbound", "method": "sftp", "local_dir": "/in", "sftp": table}
    with pytest.raises(ValueError, match=sentence) as caught:
        Connection.model_validate(fields)
    assert key in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "table"),
    [
        ("sftp", SFTP),
        ("ftp", {"host": "ftp.acme.example", "username": "wharf", "secret": "env:X"}),
        ("email", {"host": "mail.acme.example", "username": "wharf", "secret": "env:X"}),
    ],
)
def test_every_method_can_be_routed_and_the_file_keeps_it(method: str, table: dict[str, Any]) -> None:
    route = {
        "jump": ("ops@bastion:22", "inner"),
        "jump_key": "~/.ssh/id_jump",
        "jump_secret": "vault:jump",
        "proxy": "socks5://ops@proxy:1080",
        "proxy_secret": "env:PROXY",
    }
    plain = {"name": "acme", "direction": "inbound", "method": method, "local_dir": "/in", method: table}
    routed = Connection.model_validate(plain | {method: table | route})
    text = write_connections([routed])
    assert read_connections(text) == [routed]
    assert tomllib.loads(text)["connection"][0][method]["jump"] == ["ops@bastion:22", "inner"]
    unrouted = Connection.model_validate(plain)
    assert "jump" not in write_connections([unrouted])
    assert changed_keys(unrouted, routed) == [f"{method}.{key}" for key in route]


def test_the_way_is_told_in_order() -> None:
    assert connection().way is None
    routed = connection(jump=["ops@outer", "inner:2222"], proxy="socks5://ops@proxy", proxy_secret="env:X")
    assert routed.way == "proxy proxy:1080, then jump host ops@outer, then jump host inner:2222"


def test_words_that_others_have_for_it_are_understood() -> None:
    with pytest.raises(WrongConnectionFile, match=r"proxyjump: is not a known key; did you mean jump\?"):
        read_connections(write_connections([connection()]) + 'proxyjump = "ops@bastion"\n')


def test_one_jump_host_needs_no_list() -> None:
    assert connection(jump="ops@bastion").endpoint.jump == ("ops@bastion",)


def _quoted(text: str) -> str:
    return '"' + text.replace("\n", "\\n") + '"'
