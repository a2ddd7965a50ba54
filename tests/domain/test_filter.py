"""The filter language: what a line means, what is wrong with it, how it can go on."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.filter import Facts, Unit, Vocabulary, completions, parse_filter, with_choices

VOCABULARY = Vocabulary(
    {
        "type": {"conversions": "Conversion data", "catalog": "Product catalog"},
        "status": {"none": "None", "in-progress": "In Progress", "failed": "Failed"},
        "failure": {"network": "network", "auth": "auth"},
    },
    {"last": Unit.TIME, "bytes": Unit.BYTES, "files": Unit.COUNT},
)


@dataclass(frozen=True)
class Row:
    name: str
    type: tuple[str, ...] = ("conversions", "conversion-data")
    status: str = "none"
    failure: str | None = None
    last: float | None = None
    bytes: float = 0

    @property
    def facts(self) -> Facts:
        values = {"type": self.type, "status": (self.status,), "failure": (self.failure,) if self.failure else ()}
        numbers = {"last": self.last, "bytes": self.bytes, "files": 3}
        return Facts(values, lambda: (self.name, *self.type), numbers)


ROWS = [
    Row("acme daily", last=3600, bytes=2_000_000),
    Row("Borealis", ("catalog", "product-catalog"), "failed", "network", last=90_000, bytes=1),
    Row("cobalt 12:30", status="in-progress"),
]


def found(line: str) -> list[str]:
    wanted = parse_filter(line, VOCABULARY)
    return [row.name for row in ROWS if wanted.accepts(row.facts)]


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("", [0, 1, 2]),
        ("acme", [0]),
        ("BOREALIS", [1]),
        ("acme daily", [0]),
        ("daily acme", [0]),
        ('"daily acme"', []),
        ('"acme daily"', [0]),
        ('"acme da', [0]),
        ("-acme", [1, 2]),
        ('-"acme daily"', [1, 2]),
        ("type:conv", [0, 2]),
        ("type:product", [1]),
        ("status:in-progress", [2]),
        ("status:none,failed", [0, 1]),
        ("status:none status:failed", [0, 1]),
        ("status:none,failed type:cat", [1]),
        ("-status:failed", [0, 2]),
        ("failure:net", [1]),
        ("-failure:net", [0, 2]),
        ("last:<2h", [0]),
        ("last:>1d", [1]),
        ("-last:<2h", [1, 2]),
        ("last:>30m last:<1w", [0, 1]),
        ("bytes:>1M", [0]),
        ("bytes:<=1", [1, 2]),
        ("bytes:1", [1]),
        ("files:3", [0, 1, 2]),
        ("files:>=4", []),
        ('type:"conversion-data"', [0, 2]),
        # A colon within a word is no term.
        ("12:30", [2]),
    ],
)
def test_what_a_line_means(line: str, rows: list[int]) -> None:
    assert found(line) == [ROWS[place].name for place in rows]
    assert parse_filter(line, VOCABULARY).problem is None


@pytest.mark.parametrize(
    ("line", "where", "told"),
    [
        ("acme status:zzz", "status:zzz", "status: is none, in-progress or failed"),
        ("status:", "status:", "status: is none, in-progress or failed"),
        ("statsu:failed", "statsu:failed", "No column “statsu”; did you mean status:?"),
        ("colour:red x", "colour:red", "No column “colour”; there are type:, status:"),
        ("last:soon", "last:soon", "last: is compared, such as <2h"),
        ("bytes:>1h", "bytes:>1h", "bytes: is compared, such as >1M"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(line: str, where: str, told: str) -> None:
    (mistake,) = parse_filter(line, VOCABULARY).mistakes
    assert line[mistake.start : mistake.end] == where
    assert mistake.sentence.startswith(told)


def test_a_term_that_is_being_typed_does_not_hide_rows() -> None:
    everything = [row.name for row in ROWS]
    for line in ("status:", "status:zzz", "statu:failed", "last:", "last:<", "last:<2x", "-", "-status:", '"', '-"'):
        assert found(line) == everything, line


def test_what_can_be_meant_of_a_term_counts() -> None:
    assert found("status:failed,zzz") == ["Borealis"]


@given(st.text())
def test_any_line_is_understood_or_reported(line: str) -> None:
    understood = parse_filter(line, VOCABULARY)
    for mistake in understood.mistakes:
        assert mistake.sentence.isprintable()
        assert 0 <= mistake.start < mistake.end <= len(line)
    for row in ROWS:
        understood.accepts(row.facts)


@given(st.lists(st.sampled_from(["acme", "type:conv", "status:failed", "last:<2h", "bytes:>1M", '"a b"']), max_size=4))
def test_a_minus_turns_a_part_round(parts: list[str]) -> None:
    for part in parts:
        assert set(found(part)) ^ set(found(f"-{part}")) == {row.name for row in ROWS}
        assert not set(found(part)) & set(found(f"-{part}"))


@given(
    st.dictionaries(
        st.sampled_from(["type", "status"]), st.sets(st.sampled_from(["conversions", "catalog", "none", "failed"]))
    )
)
def test_choices_of_menus_survive_in_the_line(picked: dict[str, set[str]]) -> None:
    choices = {key: picked.get(key, set()) & set(values) for key, values in VOCABULARY.choices.items()}
    line = with_choices('acme  type:catalog "two words" -status:failed', choices)
    assert line.startswith('acme "two words" -status:failed')
    understood = parse_filter(line, VOCABULARY)
    assert {key: understood.asked(key, VOCABULARY.choices[key]) for key in choices} == choices


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("", []),
        ("acme ", []),
        ("st", ["status:"]),
        ("acme -st", ["acme -status:"]),
        ("status:", ["status:none", "status:in-progress", "status:failed"]),
        ("status:f", ["status:failed"]),
        ("status:failed", []),
        ("status:failed,in", ["status:failed,in-progress"]),
        ("last:", []),
        ("zzz", []),
    ],
)
def test_how_a_line_can_go_on(line: str, lines: list[str]) -> None:
    assert completions(line, VOCABULARY) == lines


@given(st.text(alphabet='stau:failed,- "', max_size=20))
def test_a_completion_continues_the_line_and_is_understood(line: str) -> None:
    for longer in completions(line, VOCABULARY):
        assert longer.lower().startswith(line.lower())
        last = longer.rsplit(" ", 1)[-1]
        assert last.endswith(":") or "," in last or parse_filter(last, VOCABULARY).problem is None
