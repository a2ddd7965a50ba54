"""What FTP servers say of files: MLSD and MLST facts (RFC 3659, section 7), MDTM times, and the lines of LIST.

LIST has no standard. Its common forms are read here: that of `ls -l`, with either way of writing times, that of
Netware, which is like it, and that of DOS. A line in another form is reported as unread, never guessed at. Names are
taken as they are, with every space, because a name changed here would name another file.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tui.methods.base import Entry


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A regular file of a listing. `size` in bytes and `mtime` in seconds since the epoch, None where not told."""

    name: str
    size: int | None
    mtime: float | None


@dataclass(slots=True)
class Listing:
    """The files of a folder, and what else its listing held."""

    files: list[ListedFile] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """Names of folders and of what else is no file."""
    links: list[str] = field(default_factory=list)
    """Symbolic links, which may lead anywhere and are left out; in LIST with `->` and where they lead."""
    unread: list[str] = field(default_factory=list)
    """Lines in no known form."""

    @property
    def doubtful(self) -> bool:
        """Whether there may be files that could not be read from the listing."""
        return bool(self.unread) or self.is_empty

    @property
    def is_empty(self) -> bool:
        """Whether it shows nothing at all."""
        return not (self.files or self.others or self.links)

    def add_missing(self, names: Iterable[str]) -> None:
        """Add the files of NLST that the listing does not show; their sizes are not known. A name may stand for a
        folder."""
        known = {file.name for file in self.files}.union(self.others, self.links)
        known.update(link[:place] for link in self.links for place in _occurrences(_ARROW, link))
        self.files += [ListedFile(name, None, None) for name in dict.fromkeys(names) if name not in known]


_SIZE = re.compile(r"\d{1,18}", re.ASCII)
_TIME = re.compile(r"(\d{14})(\.\d{1,9})?", re.ASCII)

_UNIX_LINE = re.compile(
    r"(?P<kind>[-dlbcpsD])(?:[-rwxsStTlL]{9}[+.@]?\s+\d{1,10}| \[[-RWCEAFMS]{8}\])\s.*?(?P<size>\d{1,18})\s+"
    r"(?:(?P<month>[A-Z][a-z]{2})\s+(?P<day>\d{1,2})\s+(?:(?P<clock>\d{1,2}:\d{2})|(?P<year>\d{4}))"
    r"|(?P<date>\d{4}-\d{2}-\d{2}) (?P<time>\d{2}:\d{2})) (?P<name>.+)",
    re.ASCII | re.DOTALL,
)
_DOS_LINE = re.compile(
    r"(?P<month>\d{2})[-/](?P<day>\d{2})[-/](?P<year>\d{4}|\d{2})\s+(?P<hour>\d{2}):(?P<minute>\d{2})\s*(?P<half>[AP]M)?"
    r"\s+(?:(?P<folder><[A-Z]+>) *|(?P<size>\d[\d,]{0,17})) (?P<name>.+)",
    re.ASCII | re.DOTALL,
)
# Longer lines are not matched: a hostile one could keep the pattern busy for long.
_LONGEST_LINE = 8 * 1024
_ARROW = " -> "
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_time(text: str) -> float | None:
    """A time as MDTM, MLSD and MLST write it, `YYYYMMDDHHMMSS[.sss]` in UTC, in seconds since the epoch."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    whole, fraction = match.groups()
    moment = _moment(int(whole[:4]), *(int(whole[start : start + 2]) for start in range(4, 14, 2)))
    return None if moment is None else moment.timestamp() + float(fraction or 0)


def parse_facts(line: str) -> tuple[dict[str, str], str] | None:
    """Facts and name of a line of MLSD or MLST, `fact=value;fact=value; name`; None for anything else."""
    facts, space, name = line.partition(" ")
    if not space or not name or not facts.endswith(";"):
        return None
    pairs = (fact.partition("=") for fact in facts[:-1].split(";"))
    return {key.lower(): value for key, _, value in pairs}, name


def file_from_facts(facts: dict[str, str], name: str) -> ListedFile:
    """The file that MLSD or MLST facts tell of."""
    size = facts.get("size", "")
    return ListedFile(name, int(size) if _SIZE.fullmatch(size) else None, parse_time(facts.get("modify", "")))


def read_mlsd(text: str) -> Listing:
    """The answer to MLSD."""
    listing = Listing()
    for line in _lines(text):
        parsed = parse_facts(line)
        if parsed is None or "type" not in parsed[0]:
            listing.unread.append(line)
            continue
        facts, name = parsed
        kind = facts["type"].lower()
        if kind == "file":
            listing.files.append(file_from_facts(facts, name))
        elif "link" in kind:
            listing.links.append(name)
        else:
            listing.others.append(name)
    return listing


def read_list(text: str, today: datetime) -> Listing:
    """The answer to LIST. Times are by the day only in the common Unix form: it shows the clock of recent files and the
    year of older ones, so anything finer would seem to change when a file grows old. `today` tells the year of recent
    ones.
    """
    listing = Listing()
    for line in _lines(text):
        if len(line) > _LONGEST_LINE:
            listing.unread.append(line[:100])
        elif unix := _UNIX_LINE.fullmatch(line):
            _take(listing, unix, unix["kind"], lambda match: _unix_time(match, today))
        elif dos := _DOS_LINE.fullmatch(line):
            _take(listing, dos, "d" if dos["folder"] else "-", _dos_time)
        elif not re.fullmatch(r"total \d+", line):
            listing.unread.append(line)
    return listing


def read_names(text: str, folder: str) -> list[str]:
    """The answer to NLST: names, without the folder that some servers put before them."""
    return [line.removeprefix("./").removeprefix(f"{folder.rstrip('/')}/") for line in _lines(text)]


def decoded(raw: bytes, encoding: str) -> str:
    """A listing as text. What is no text in the encoding, and what would be sent back as other bytes, keeps surrogates,
    as no safe name does: a file is asked for by the very name that it has, or not at all."""
    text = raw.decode(encoding, "surrogateescape")
    if text.encode(encoding, "surrogateescape") == raw:
        return text
    return "\n".join(_decoded_line(line, encoding) for line in raw.split(b"\n"))


def _decoded_line(line: bytes, encoding: str) -> str:
    text = line.decode(encoding, "surrogateescape")
    same = text.encode(encoding, "surrogateescape") == line
    return text if same else line.decode("ascii", "surrogateescape")


def why_unfit(name: str) -> str | None:
    """Why a name cannot be used over FTP, although it is safe: servers and their listings lose spaces at either end."""
    return "the name begins or ends with a space, which gets lost over FTP" if name != name.strip(" ") else None


def _lines(text: str) -> Iterable[str]:
    # Not splitlines(): it also splits at characters that may be part of a name.
    return (line for line in (line.removesuffix("\r") for line in text.split("\n")) if line)


def _take(
    listing: Listing, match: re.Match[str], kind: str, time_of: Callable[[re.Match[str]], datetime | None]
) -> None:
    if kind != "-":
        (listing.links if kind == "l" else listing.others).append(match["name"])
        return
    moment = time_of(match)
    listing.files.append(
        ListedFile(match["name"], int(match["size"].replace(",", "")), moment.timestamp() if moment else None)
    )


def _unix_time(match: re.Match[str], today: datetime) -> datetime | None:
    if match["date"]:
        return _moment(*map(int, re.split("[-:]", f"{match['date']}-{match['time']}")))
    if match["month"] not in _MONTHS:
        return None
    month, day = _MONTHS.index(match["month"]) + 1, int(match["day"])
    if match["year"]:
        return _moment(int(match["year"]), month, day)
    # Without a year it is the latest such day; one day ahead may be a server's clock or time zone.
    for year in (today.year + 1, today.year, today.year - 1, *range(today.year - 2, today.year - 9, -1)):
        moment = _moment(year, month, day)
        if moment is not None and moment <= today + timedelta(days=1):
            return moment
    return None


def _dos_time(match: re.Match[str]) -> datetime | None:
    year, hour = int(match["year"]), int(match["hour"])
    if year < 100:
        year += 2000 if year < 70 else 1900
    if match["half"]:
        hour = hour % 12 + (12 if match["half"] == "PM" else 0)
    return _moment(year, int(match["month"]), int(match["day"]), hour, int(match["minute"]))


def _moment(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime | None:
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def doubting_doubles(entries: list[Entry]) -> list[Entry]:
    """Of two entries with one name at least one is made up: a name with a line break can be written so that its second
    half looks like another entry. None of them can be trusted.
    """
    count = Counter(entry.name for entry in entries)
    doubtful = "the server lists this name more than once"
    return [replace(entry, problem=doubtful) if count[entry.name] > 1 else entry for entry in entries]


def _occurrences(part: str, text: str) -> Iterable[int]:
    return (match.start() for match in re.finditer(re.escape(part), text))
