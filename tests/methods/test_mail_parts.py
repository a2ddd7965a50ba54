"""What IMAP servers answer, read without trust: structures, names, folders, senders, and content as it arrives."""

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.methods.imap_syntax import UnreadableAnswer, Value, folder_argument, moment, quoted, read_fetch, read_values
from tui.methods.mail_parts import DamagedContent, TransferDecoder, attached_parts, is_from, parameter


def decode(encoding: str, content: bytes, step: int) -> bytes:
    decoder = TransferDecoder(encoding)
    pieces = [decoder.feed(content[start : start + step]) for start in range(0, len(content), step)]
    return b"".join(pieces) + decoder.finish()


@given(st.binary(), st.integers(1, 100))
def test_base64_in_pieces_of_any_size(content: bytes, step: int) -> None:
    assert decode("base64", base64.encodebytes(content).replace(b"\n", b"\r\n"), step) == content


@given(st.binary(), st.integers(1, 100))
def test_quoted_printable_in_pieces_of_any_size(content: bytes, step: int) -> None:
    encoded = quopri.encodestring(content, quotetabs=True)
    assert decode("quoted-printable", encoded, step) == content


@given(st.binary(), st.integers(1, 100))
def test_broken_base64_is_never_guessed(content: bytes, step: int) -> None:
    try:
        decoded = decode("base64", content, step)
    except DamagedContent:
        return
    assert base64.b64encode(decoded)[:-4] == content.translate(None, b"\r\n\t ")[:-4]


@pytest.mark.parametrize("content", [b"QUJDR", b"QUI=QUI=", b"QU=D", b"=QUI", b"QUI", b"QUJD-_==", b"QUI=\r\n."])
@pytest.mark.parametrize("step", [1, 4, 100])
def test_base64_that_is_none(content: bytes, step: int) -> None:
    with pytest.raises(DamagedContent):
        decode("base64", content, step)


trees = st.recursive(st.none() | st.binary(), lambda children: st.lists(children, max_size=4), max_leaves=30).filter(
    lambda tree: isinstance(tree, list)
)


def write(tree: Value, *, literals: bool) -> list[bytes | tuple[bytes, bytes]]:
    """As a server writes it and imaplib hands it out."""
    answer: list[bytes | tuple[bytes, bytes]] = []
    text = b""
    if tree is None:
        return [b"NIL"]
    if isinstance(tree, bytes):
        if literals:
            return [(b"{%d}" % len(tree), tree)]
        return [b'"' + tree.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"']
    text = b"("
    for child in tree:
        for part in write(child, literals=literals):
            if isinstance(part, bytes):
                text += part
            else:
                answer.append((text + part[0], part[1]))
                text = b""
        text += b" "
    return [*answer, text.rstrip(b" ") + b")"]


@given(trees, st.booleans())
def test_answers_are_read_as_they_were_meant(tree: Value, literals: bool) -> None:
    assert read_values(write(tree, literals=literals)) == [tree]


@given(st.lists(st.binary() | st.tuples(st.binary(), st.binary())))
def test_any_answer_is_read_or_refused(answer: list[bytes | tuple[bytes, bytes]]) -> None:
    try:
        items = read_fetch(answer)
    except UnreadableAnswer:
        return
    for item in items:
        attached_parts(item.get("BODYSTRUCTURE"))


def test_an_answer_to_fetch() -> None:
    answer: list[bytes | tuple[bytes, bytes]] = [
        (b'7 (UID 9 FLAGS (\\Seen) INTERNALDATE "x" BODY[HEADER.FIELDS (FROM)] {3}', b')("'),
        b" BODY[2]<0> NIL)",
        b"8 (FLAGS ())",
    ]
    assert read_fetch(answer) == [
        {
            "UID": b"9",
            "FLAGS": [b"\\Seen"],
            "INTERNALDATE": b"x",
            "BODY[HEADER.FIELDS (FROM)]": b')("',
            "BODY[2]<0>": None,
        },
        {"FLAGS": []},
    ]


@given(trees)
def test_any_structure_gives_parts_or_none(tree: Value) -> None:
    attached_parts(tree)


def test_mail_nested_without_end_is_not_followed() -> None:
    tree: Value = [b"text", b"csv", [b"name", b"a.csv"], None, None, b"7bit", b"1", b"1"]
    for _ in range(5000):
        tree = [tree, b"mixed"]
    assert attached_parts(tree) == []


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_names_by_rfc_2231_come_back(name: str) -> None:
    escaped = "".join(f"%{byte:02X}" for byte in name.encode()).encode()
    assert parameter([b"filename*", b"utf-8'en'" + escaped], "filename") == name
    pieces = [escaped[start : start + 30] for start in range(0, len(escaped), 30)]
    values: list[Value] = []
    for number, piece in reversed(list(enumerate(pieces))):
        values += [b"FileName*%d*" % number, (b"" if number else b"utf-8''") + piece]
    assert parameter(values, "filename") == name


@given(st.binary())
def test_any_value_gives_a_name(value: bytes) -> None:
    for key in (b"filename", b"filename*", b"filename*0", b"filename*0*", b"filename*9999*"):
        assert parameter([key, value], "filename") is not None


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("INBOX", '"INBOX"'),
        ("a & b", '"a &- b"'),
        # The examples of RFC 3501 section 5.1.3.
        ("~peter/mail/台北/日本語", '"~peter/mail/&U,BTFw-/&ZeVnLIqe-"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("😀", '"&2D3eAA-"'),
    ],
)
def test_folder_names(name: str, argument: str) -> None:
    assert folder_argument(name) == argument


@given(st.text())
def test_folder_names_are_ascii_on_the_wire(name: str) -> None:
    assert folder_argument(name).isascii()
    assert folder_argument(name).isprintable()


@given(st.text(st.characters(max_codepoint=127)))
def test_a_quoted_string_is_read_back(text: str) -> None:
    assert read_values([quoted(text).encode()]) == [text.encode()]


@pytest.mark.parametrize(
    ("header", "is_acme"),
    [
        (b"From: a@acme.example\r\n\r\n", True),
        (b"From: =?utf-8?q?=C3=BC?=\r\n <A@ACME.example>\r\n\r\n", True),
        (b'From: "a@acme.example" <a@evil.example>\r\n\r\n', False),
        (b"From: a@acme.example\r\nFrom: a@evil.example\r\n\r\n", False),
        (b"From: a@acme.example, b@evil.example\r\n\r\n", False),
        (b"From: a@acme.example.evil.example\r\n\r\n", False),
        (b"From:\r\n\r\n", False),
        (b"\r\n", False),
        (b"From: \xff\xfe\r\n\r\n", False),
    ],
)
def test_who_a_mail_is_from(header: bytes, is_acme: bool) -> None:
    assert is_from(header, "*@acme.example") is is_acme


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (b" 7-Jul-1996 02:44:25 -0700", 836732665.0),
        (b"17-Jul-1996 02:44:25 +0000", 837571465.0),
        (b"07-Foo-1996 02:44:25 +0000", None),
        (b"99-Jul-1996 02:44:25 +0000", None),
        (b"01-Jan-0000 00:00:00 +0000", None),
        (b"07-Jul-1996 02:44:25", None),
        (None, None),
        ([], None),
    ],
)
def test_when_the_server_got_a_mail(written: Value, seconds: float | None) -> None:
    assert moment(written) == seconds


@given(
    st.binary(max_size=40) | st.from_regex(rb"[ 0-9]{2}-[A-Z][a-z]{2}-[0-9]{4} [0-9:]{8} [+-][0-9]{4}", fullmatch=True)
)
def test_any_date_is_a_moment_or_none(written: bytes) -> None:
    assert moment(written) is None or isinstance(moment(written), float)
