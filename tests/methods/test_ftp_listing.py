"""What FTP servers say of files is read as it stands, or reported as unread."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.naming import why_unsafe
from tui.methods.ftp_listing import ListedFile, decoded, parse_facts, parse_time, read_list, read_mlsd, read_names

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
        ("-rw-r--r--@   1 501  20   9 Dec 31 23:59 mac.csv", "mac.csv", 9, _epoch(2025, 12, 31)),
        ("-rw-------   1 1000     1000       2147483648 Mar  2 00:01 big", "big", 2_147_483_648, _epoch(2026, 3, 2)),
        ("-rw-r--r-- 1 a b 12 Mai 11  2020 no month of ours", "no month of ours", 12, None),
        ("-r--r--r-- 1 ftp 0 7 Mar  9 23:00 Jan  1  2020 5 x", "Jan  1  2020 5 x", 7, _epoch(2025, 3, 9)),
        ("-rw-r--r-- 1 a b 12 2020-02-11 15:15 iso.csv", "iso.csv", 12, _epoch(2020, 2, 11, 15, 15)),
        ("- [RWCEAFMS] partner      1234 Feb 11  2020 netware.csv", "netware.csv", 1234, _epoch(2020, 2, 11)),
        ("12-31-69  11:59PM    1 in the future.csv", "in the future.csv", 1, _epoch(2069, 12, 31, 23, 59)),
    ],
)
def test_the_common_forms_of_list_are_read(line: str, name: str, size: int, mtime: float) -> None:
    listing = read_list(f"total 8\r\n{line}\r\n", TODAY)

    assert listing.files == [ListedFile(name, size, mtime)]
    assert listing.unread == []


@pytest.mark.parametrize(
    "line",
    [
        "-rw-r--r-- 1 a b 12 11 Feb 2020 day-first.csv",
        "-rw-r--r-- 1 a b 12 févr. 11 2020 in-french.csv",
        "2020/02/11  03:15PM  12 slashes-and-year-first.csv",
        "IN.CSV;1              12/15   11-FEB-2020 15:15  [SYSTEM]  (RWED,RWED,RE,)",
        "QPGMR           12 11/02/20 15:15:00 *STMF      IN.CSV",
        "+i8388621.48594,m825718503,r,s280,\tin.csv",
        "02-11-20  03:15PM  -12 negative.csv",
        "02-11-20  03:15PM  ,,, commas.csv",
        "-rw-r--r-- 1 a b 12 Feb 11 2020",
    ],
)
def test_what_is_in_no_known_form_is_not_guessed_at(line: str) -> None:
    listing = read_list(f"{line}\r\n", TODAY)

    assert (listing.files, listing.unread, listing.doubtful) == ([], [line], True)


_WORDS = st.text("abcdefgXYZ0123456789_-", min_size=1, max_size=8)


@given(
    owner=st.lists(_WORDS, min_size=1, max_size=3),
    size=st.integers(0, 10**15),
    day=st.dates(date(1990, 1, 1), date(2025, 12, 31)),
    name=names,
    acl=st.sampled_from(["", "+", ".", "@"]),
)
def test_whoever_owns_a_file_its_size_day_and_name_are_read(
    owner: list[str], size: int, day: date, name: str, acl: str
) -> None:
    line = f"-rw-r-----{acl} 1 {' '.join(owner)} {size} {day:%b} {day.day:2}  {day.year} {name}"

    assert read_list(line, TODAY).files == [ListedFile(name, size, _epoch(day.year, day.month, day.day))]


@given(
    size=st.integers(0, 10**13),
    at=st.builds(datetime.combine, st.dates(date(1990, 1, 1), date(2069, 12, 31)), st.times()),
    name=names,
)
def test_dos_tells_the_same_in_each_of_its_ways(size: int, at: datetime, name: str) -> None:
    expected = [ListedFile(name, size, _epoch(at.year, at.month, at.day, at.hour, at.minute))]
    for day in (f"{at:%m-%d}-{at.year}", f"{at:%m/%d}/{at.year}"):
        for clock in (f"{at:%I:%M%p}", f"{at:%I:%M %p}", f"{at:%H:%M}"):
            assert read_list(f"{day}  {clock}  {size:,} {name}", TODAY).files == expected
            assert read_list(f"{day}  {clock}  {size:>20} {name}", TODAY).files == expected


def test_names_that_only_nlst_shows_are_added_once() -> None:
    listing = read_list(
        "drwxr-xr-x 2 a b 4096 Feb 23 19:50 done\r\n"
        "lrwxrwxrwx 1 a b 4 Feb 23 19:50 x -> y -> /etc/passwd\r\n"
        "-rw-r--r-- 1 a b 3 Feb 23 19:50 a.csv\r\n"
        "-rw-r--r-- 1 a b 3 févr. 23 19:50 b.csv\r\n",
        TODAY,
    )
    listing.add_missing(["a.csv", "b.csv", "b.csv", "done", "x", "x -> y"])

    assert [(file.name, file.size) for file in listing.files] == [("a.csv", 3), ("b.csv", None)]


@pytest.mark.parametrize("line", ["a.csv", "./a.csv", "/in/a.csv"])
def test_the_folder_before_a_name_is_not_part_of_it(line: str) -> None:
    assert read_names(f"{line}\r\n", "/in") == ["a.csv"]
    assert read_names(f"{line}\r\n", "/in/") == ["a.csv"]


@given(st.binary(max_size=80), st.sampled_from(["utf-8", "cp1252", "cp437", "shift_jis", "cp932", "big5", "gb18030"]))
def test_a_name_goes_back_as_it_came_or_is_unsafe(raw: bytes, encoding: str) -> None:
    for line, text in zip(raw.split(b"\n"), decoded(raw, encoding).split("\n"), strict=True):
        if not any("\ud800" <= character <= "\udfff" for character in text):
            assert text.encode(encoding) == line


def test_a_name_that_would_go_back_as_another_is_unsafe() -> None:
    # Two codes of one character; only the first is what Python writes.
    assert [why_unsafe(name) is None for name in decoded(b"\xed\x40\n\xfa\x5c", "cp932").split("\n")] == [True, False]


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
    assert listing.links == ["link -> /etc/passwd"]
    assert listing.others == ["folder", "folder"]
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
    assert listing.links == ["link"]
    assert listing.others == ["/in", "folder"]
    assert listing.unread == ["no facts at all"]


@pytest.mark.parametrize("size", ["9" * 19, "9" * 5000, "-1", "", "٣"])
def test_a_size_that_no_file_has_is_none(size: str) -> None:
    assert read_mlsd(f"type=file;size={size}; in.csv\r\n").files == [ListedFile("in.csv", None, None)]


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
    read_names(text, "/in")
    parse_time(text)
    parse_facts(text)
    lines = [line for line in text.split("\n") if line.removesuffix("\r")]
    listing = read_list(text, TODAY)

    assert len(listing.files) + len(listing.links + listing.others + listing.unread) <= len(lines)
    if not any(line[:1] in "dlbcpsDt-0123456789" for line in lines):
        assert len(listing.unread) == len(lines)


def test_a_hostile_line_does_not_keep_the_reader_busy() -> None:
    digits = "-rw-r--r-- 1 " + "1 " * 4000
    listing = read_list(f"{digits}\n{'9' * 100_000}\n", TODAY)

    assert len(listing.unread) == 2


@pytest.mark.parametrize("text", ["", "2026", "20261323000000", "20260102030405x", "٢٠٢٦٠١٠٢٠٣٠٤٠٥"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_time(text) is None
