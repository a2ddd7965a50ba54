"""Mails as bytes: what is written is what a mail program reads, and sizes are known before."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import pairwise
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.naming import why_unsafe
from tui.methods.message import (
    RAW_LINE,
    Attachment,
    Letterhead,
    compose,
    encoded,
    encoded_size,
    is_plain_address,
    pack,
    size_of,
    subject_for,
)

NOW = datetime(2026, 11, 23, 20, 5, 6, tzinfo=UTC)
HEAD = Letterhead("acme", "batches@us.example", ("in@acme.example", "second@acme.example"))

names = (
    st.text(st.characters(codec="utf-8", exclude_characters="/\\"), min_size=1, max_size=80).filter(
        lambda name: why_unsafe(name) is None
    )
    # What looks like an encoded word, and hides a line break.
    | st.sampled_from(["=?utf-8?q?=0D=0ABcc:=20x@evil.example?=.csv", "=?utf-8?b?eA==?=", " ", 'a".csv', "a b", "%41'"])
)
contents = st.binary(max_size=400)


def write(head: Letterhead, files: list[tuple[str, bytes]]) -> bytes:
    attachments = [Attachment(name, len(content), hashlib.sha256(content).hexdigest()) for name, content in files]
    mail = compose(head, attachments, NOW)
    waiting = iter(files)
    pieces = [piece if isinstance(piece, bytes) else encoded(next(waiting)[1]) for piece in mail.pieces]
    written = b"".join(pieces)
    assert len(written) == mail.size
    return written


def parse(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def file_name(part: EmailMessage) -> str:
    """The name of an attachment, decoded as RFC 2231 has it, sections 3 and 4. What the standard library decodes has
    lost spaces around it and, in some versions, quotes."""
    [raw] = [value for header, value in part.raw_items() if header == "Content-Disposition"]
    disposition, *parameters = re.split(r";\r?\n ", raw)
    assert disposition == "attachment"
    labels, values = zip(*(parameter.split("=", 1) for parameter in parameters), strict=True)
    if labels == ("filename",):
        [quoted] = values
        assert re.fullmatch(r'"[^"\\]*"', quoted)
        return str(quoted[1:-1])
    in_pieces = tuple(f"filename*{number}*" for number in range(len(labels)))
    assert labels in (("filename*",), in_pieces)
    charset, language, encoded_name = "".join(values).split("'", 2)
    assert (charset, language) == ("utf-8", "")
    return unquote(encoded_name, errors="strict")


@given(st.lists(st.tuples(names, contents), max_size=4))
def test_every_name_and_content_comes_back_as_it_was(files: list[tuple[str, bytes]]) -> None:
    mail = parse(write(HEAD, files))
    attached = list(mail.iter_attachments())
    assert [part.get_content_disposition() for part in attached] == ["attachment"] * len(files)
    assert [file_name(part) for part in attached] == [name for name, _ in files]
    assert [part.get_payload(decode=True) for part in attached] == [content for _, content in files]


@given(names, st.text(max_size=60), names)
def test_no_text_adds_a_header_or_a_line_to_one(file: str, subject: str, connection: str) -> None:
    head = Letterhead(connection, "batches@us.example", ("in@acme.example",), subject or "x")
    mail = parse(write(head, [(file, b"1")]))
    assert list(mail.keys()) == [
        *("Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type")
    ]
    assert mail["To"] == "in@acme.example"
    assert len(list(mail.iter_attachments())) == 1


@given(st.lists(st.tuples(names, contents), max_size=4))
def test_sizes_are_exact_before_anything_is_written(files: list[tuple[str, bytes]]) -> None:
    assert size_of(HEAD, [(name, len(content)) for name, content in files]) == len(write(HEAD, files))


@given(st.lists(st.tuples(names, contents)), st.integers(800, 4000))
def test_packs_in_order_into_mails_within_the_limit(files: list[tuple[str, bytes]], limit: int) -> None:
    groups = pack(HEAD, [(name, len(content)) for name, content in files], limit)
    assert [index for group in groups for index in group] == list(range(len(files)))
    sizes = [size_of(HEAD, [(files[index][0], len(files[index][1])) for index in group]) for group in groups]
    assert all(size <= limit for size, group in zip(sizes, groups, strict=True) if len(group) > 1)
    for group, following in pairwise(groups):
        joined = [(files[index][0], len(files[index][1])) for index in [*group, following[0]]]
        assert size_of(HEAD, joined) > limit


@given(st.binary(max_size=1000))
def test_encodes_as_the_standard_library_does(content: bytes) -> None:
    assert base64.decodebytes(encoded(content)) == content
    assert len(encoded(content)) == encoded_size(len(content))
    split = RAW_LINE * 4
    assert encoded(content[:split]) + encoded(content[split:]) == encoded(content)


def test_every_line_is_short_and_ends_with_cr_lf() -> None:
    long_name = "ä" * 110 + ".csv"
    raw = write(Letterhead("c" * 80, f"a@{'b' * 200}.example", HEAD.recipients * 20), [(long_name, b"x" * 1000)] * 3)
    lines = raw.split(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert max(map(len, lines)) <= 998
    assert raw.isascii()


def test_the_message_id_depends_on_the_content_and_not_on_time_or_order() -> None:
    one, two = Attachment("a.csv", 1, "aa"), Attachment("b.csv", 1, "bb")
    first = compose(HEAD, [one, two], NOW).message_id
    assert first == compose(HEAD, [two, one], NOW.replace(year=2030)).message_id
    assert first.endswith("@us.example>")
    assert first != compose(HEAD, [one, Attachment("b.csv", 1, "bc")], NOW).message_id
    assert first != compose(Letterhead("other", HEAD.sender, HEAD.recipients), [one, two], NOW).message_id
    # Names that would give the same text when simply joined.
    assert (
        compose(HEAD, [Attachment("a", 1, "bc")], NOW).message_id
        != compose(HEAD, [Attachment("ab", 1, "c")], NOW).message_id
    )


@pytest.mark.parametrize(
    ("template", "names", "subject"),
    [
        ("{connection} {file} {date}", ["a.csv"], "acme a.csv 2026-11-23"),
        ("{file}", ["a.csv", "b.csv"], "a.csv, b.csv"),
        ("{file} {connection}", ["{connection}"], "{connection} acme"),
        ("{file}", ["a\r\nBcc: x@evil.example"], "a Bcc: x@evil.example"),
        ("{file}", ["\x1b]0;x\x07"], "\\x1b]0;x\\x07"),
        ("{file}", ["n" * 300], "n" * 199 + "…"),
    ],
)
def test_subject(template: str, names: list[str], subject: str) -> None:
    head = Letterhead("acme", HEAD.sender, HEAD.recipients, template)
    assert subject_for(head, names, NOW) == subject


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.csv", "text/csv"),
        ("a.CSV", "text/csv"),
        ("a.csv.gz", "application/gzip"),
        ("a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("a.eml", "application/octet-stream"),
        ("data:text;b", "application/octet-stream"),
        ("#?&.zip", "application/zip"),
    ],
)
def test_media_type_by_ending(name: str, media_type: str) -> None:
    (part,) = parse(write(HEAD, [(name, b"x")])).iter_attachments()
    assert part.get_content_type() == media_type


def test_the_text_lists_sizes_and_digests() -> None:
    body = parse(write(HEAD, [("ä.csv", b"12345")])).get_body()
    assert body is not None
    assert f"ä.csv, 5 bytes, {hashlib.sha256(b'12345').hexdigest()}" in body.get_content().splitlines()


@pytest.mark.parametrize("address", ["a@b.example", "a.b+c@x-y.example", "a'b@b.example"])
def test_plain_addresses(address: str) -> None:
    assert is_plain_address(address)


@pytest.mark.parametrize(
    "address",
    ["ä@b.example", "=?utf-8?q?a?=@b.example", "a@bücher.example", "a(b)@c.example", "a@b@c", "@b", "", "a..b@c.d"],
)
def test_addresses_that_need_more_than_plain(address: str) -> None:
    assert not is_plain_address(address)
