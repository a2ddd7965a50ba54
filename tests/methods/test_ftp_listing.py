"""What FTP servers say of files is read as it stands, or reported as unread."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.methods.ftp_listing import ListedFile, parse_facts, parse_time, read_list, read_mlsd, read_names

TODAY = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
names = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1, max_size=60)


def _epoch(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> float:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("line", "name", "size", "mtime"),
    [
        ("-rw-r--r--    1 1        1               5 Feb 23 19:50 a b.csv", "a b.csv", 5, _epoch(2026, 2, 23)),
        ("-rw-r--r--+   1 me  Domain Users   12 Nov 23 19:50 a.csv", "a.csv", 12, _epoch(2025, 11, 23)),
        ("-rw-rw-r--.   1 ftp  ftp  0 Jan  3  2018 old", "old", 0, _epoch(2018, 1, 3)),
        ("-rwxr-xr-t 1 ftp 7 Feb 29 09:00 leap", "leap", 7, _epoch(2024, 2, 29)),
        ("-rw-r--r-- 1 a b 3 Jan  1  2026  leading and trailing ", " leading and trailing ", 3, _epoch(2026, 1, 1)),
        ("02-11-20  03:15PM                  123456 in.csv", "in.csv", 123456, _epoch(2020, 2, 11, 15, 15)),
        ("01/02/2020  12:15 AM             1,234 in.csv", "in.csv", 1234, _epoch(2020, 1, 2, 0, 15)),
        ("01-02-2020  17:15             1 in.csv", "in.csv", 1, _epoch(2020, 1, 2, 17, 15)),
    ],
)
def test_both_common_forms_of_list_are_read(line: str, name: str, size: int, mtime: float) -> None:
    listing = read_list(f"total 8\r\n{line}\r\n", TODAY)

    assert listing.files == [ListedFile(name, size, mtime)]
    assert listing.unread == []


def test_a_file_keeps_its_time_when_it_grows_old() -> None:
    recent = read_list("-rw-r--r-- 1 a b 3 Feb 23 19:50 x", TODAY)
    months_later = read_list("-rw-r--r-- 1 a b 3 Feb 23  2026 x", datetime(2026, 11, 1, tzinfo=UTC))

    assert recent.files == months_later.files


def test_folders_are_no_files_links_are_counted_and_other_lines_reported() -> None:
    text = (
        "drwxr-xr-x 2 a b 4096 Feb 23 19:50 folder\r\n"
        "lrwxrwxrwx 1 a b 4 Feb 23 19:50 link -> /etc/passwd\r\n"
        "02-11-20  03:15PM       <DIR>          folder\r\n"
        "PGP001 3380 2020/02/11  1   15  FB   80  6160  PO  IN.CSV\r\n"
    )
    listing = read_list(text, TODAY)

    assert listing.files == []
    assert listing.links == 1
    assert listing.unread == ["PGP001 3380 2020/02/11  1   15  FB   80  6160  PO  IN.CSV"]


def test_mlsd_gives_files_only_with_names_untouched() -> None:
    text = (
        "type=cdir;modify=20260102030405; /in\r\n"
        "type=dir;modify=20260102030405; folder\r\n"
        "Type=file;Size=7;Modify=20260102030405.250;  two spaces \r\n"
        "type=OS.unix=slink:/etc/passwd;size=1;modify=20260102030405; link\r\n"
        "no facts at all\r\n"
    )
    listing = read_mlsd(text)

    assert listing.files == [ListedFile(" two spaces ", 7, _epoch(2026, 1, 2, 3, 4, 5) + 0.25)]
    assert listing.links == 1
    assert listing.unread == ["no facts at all"]


@given(st.lists(names, max_size=5))
def test_every_name_comes_through_mlsd_as_it_is(given_names: list[str]) -> None:
    text = "".join(f"type=file;size=1;modify=20260102030405; {name}\r\n" for name in given_names)

    assert [file.name for file in read_mlsd(text).files] == given_names


@given(names)
def test_every_name_comes_through_list_as_it_is(name: str) -> None:
    assert [file.name for file in read_list(f"-rw-r--r-- 1 a b 3 Feb 23 19:50 {name}\r\n", TODAY).files] == [name]


@given(st.text(max_size=300))
def test_no_text_breaks_the_readers_and_no_line_vanishes(text: str) -> None:
    read_mlsd(text)
    read_names(text)
    parse_time(text)
    parse_facts(text)
    lines = [line for line in text.split("\n") if line.removesuffix("\r")]
    listing = read_list(text, TODAY)

    assert len(listing.files) + listing.links + len(listing.unread) <= len(lines)
    if not any(line[:1] in "dlbcpsDt-0123456789" for line in lines):
        assert len(listing.unread) == len(lines)


def test_a_hostile_line_does_not_keep_the_reader_busy() -> None:
    digits = "-rw-r--r-- 1 " + "1 " * 4000
    listing = read_list(f"{digits}\n{'9' * 100_000}\n", TODAY)

    assert len(listing.unread) == 2


@pytest.mark.parametrize("text", ["", "2026", "20261323000000", "20260102030405x", "٢٠٢٦٠١٠٢٠٣٠٤٠٥"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_time(text) is None
