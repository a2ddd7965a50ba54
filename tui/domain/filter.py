"""The filter language: one line that says which connections or which runs are meant, on screens and in commands.

    acme "exact words" -draft status:failed,none type:conv last:<2h bytes:>1M -failure:network

Everything in the line must hold. A word, or several in quotes, is looked for in all columns. `key:value` asks for one
column: values of a fixed set match by their beginning, several with commas between mean any of them, and so do several
terms of one key; a measure is compared by `<`, `<=`, `>`, `>=` or for equality. A minus in front turns a part round.
"""

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain
from typing import NamedTuple

from tui.domain.problems import nearest
from tui.domain.text import printable

_PART = re.compile(r'-?(?:\w+:)?"[^"]*"?|\S+')
_TERM = re.compile(r"(-?)([a-z]\w*):(.*)", re.DOTALL)
_COMPARISON = re.compile(r"(<=|>=|<|>|=?)([0-9]+(?:\.[0-9]+)?)([a-z]*)")
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "": operator.eq,
}


class Unit(Enum):
    """What a measure counts: the factors of its units, and an example for whoever writes it otherwise."""

    def __init__(self, factors: Mapping[str, float], examples: str) -> None:
        self.factors = factors
        self.examples = examples

    TIME = ({"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}, "<2h, >30m or <7d")
    BYTES = ({"": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9}, ">1M, <=20k or >2G")
    COUNT = ({"": 1}, ">5, 0 or <=100")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What terms there are. `choices`: per key its values, as they are written in a term, with their titles."""

    choices: Mapping[str, Mapping[str, str]]
    measures: Mapping[str, Unit] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        return [*self.choices, *self.measures]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a row has for a filter to look at. `values`: per key of a fixed set, how the row's own value may be written.
    `numbers`: per measure in its base unit (seconds, bytes), None where the row has none. `texts` is asked only for
    filters with words: putting the texts of all columns together costs most.
    """

    values: Mapping[str, Sequence[str]]
    texts: Callable[[], Iterable[str]]
    numbers: Mapping[str, float | None] = field(default_factory=dict)


class Mistake(NamedTuple):
    """A part of the line that cannot be meant, and why. It is left out of the filter."""

    start: int
    end: int
    sentence: str


class Word(NamedTuple):
    """A text, in small letters, that a row has to have or must not have."""

    text: str
    negated: bool


class Choice(NamedTuple):
    """The beginnings of the values, any of which a row has to have or must not have."""

    key: str
    beginnings: tuple[str, ...]
    negated: bool

    def holds(self, facts: Facts) -> bool:
        return any(value.startswith(self.beginnings) for value in facts.values.get(self.key, ())) is not self.negated


class Comparison(NamedTuple):
    """How a measure of a row, in its base unit, has to compare or must not compare."""

    key: str
    sign: str
    amount: float
    negated: bool

    def holds(self, facts: Facts) -> bool:
        number = facts.numbers.get(self.key)
        return (number is not None and _OPERATORS[self.sign](number, self.amount)) is not self.negated


@dataclass(frozen=True, slots=True)
class Filter:
    """A line, understood."""

    words: tuple[Word, ...] = ()
    choices: Mapping[str, Choice] = field(default_factory=dict)
    """What is asked for, by key."""
    exclusions: tuple[Choice, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    mistakes: tuple[Mistake, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is filtered out at all."""
        return bool(self.words or self.choices or self.exclusions or self.comparisons)

    def accepts(self, facts: Facts) -> bool:
        """Whether a row is meant."""
        # Asked of ten thousand rows for every letter that is typed: chain and loops, not tuples and generators.
        parts: Iterable[Choice | Comparison] = chain(self.choices.values(), self.exclusions, self.comparisons)
        for part in parts:
            if not part.holds(facts):
                return False
        if self.words:
            text = "\n".join(facts.texts()).lower()
            for word in self.words:
                if (word.text in text) is word.negated:
                    return False
        return True

    @property
    def problem(self) -> str | None:
        """What is wrong with the line, in a sentence."""
        return self.mistakes[0].sentence if self.mistakes else None

    def asked(self, key: str, values: Iterable[str]) -> set[str]:
        """Which of these values the line asks for by its terms of a key; none where it does not ask by that key."""
        choice = self.choices.get(key)
        return {value for value in values if choice is not None and value.startswith(choice.beginnings)}


def slug(title: str) -> str:
    """A value as it is written in a term: `In Progress` is `in-progress`."""
    return "-".join(title.lower().split())


def parse_filter(line: str, vocabulary: Vocabulary) -> Filter:
    """Understand a line. What cannot be meant is reported and otherwise ignored, so that the rows do not vanish while
    a term is being typed.
    """
    words: list[Word] = []
    asked: dict[str, tuple[str, ...]] = {}
    exclusions: list[Choice] = []
    comparisons: list[Comparison] = []
    mistakes: list[Mistake] = []
    for found in _PART.finditer(line):
        try:
            part = _understood(found.group().lower(), vocabulary)
        except _NotMeant as error:
            mistakes.append(Mistake(*found.span(), str(error)))
            part = error.instead
        match part:
            case Word():
                words.append(part)
            case Choice(key, beginnings, negated=False):
                asked[key] = (*asked.get(key, ()), *beginnings)
            case Choice():
                exclusions.append(part)
            case Comparison():
                comparisons.append(part)
    choices = {key: Choice(key, beginnings, negated=False) for key, beginnings in asked.items()}
    return Filter(tuple(words), choices, tuple(exclusions), tuple(comparisons), tuple(mistakes))


def with_choices(line: str, choices: Mapping[str, Iterable[str]]) -> str:
    """The line with its terms of these keys replaced by these choices; everything else stays."""
    kept = [part for part in _PART.findall(line) if part.lower().partition(":")[0] not in choices or ":" not in part]
    terms = [f"{key}:{','.join(sorted(chosen))}" for key, chosen in choices.items() if chosen]
    return " ".join((*kept, *terms))


def completions(line: str, vocabulary: Vocabulary) -> list[str]:
    """How the part at the end of the line can go on: whole lines. Empty while nothing of that part is written."""
    last = next((found for found in reversed(list(_PART.finditer(line))) if found.end() == len(line)), None)
    if last is None:
        return []
    minus = "-" if last.group().startswith("-") else ""
    part = last.group().removeprefix("-").lower()
    before = line[: last.start()] + minus
    return [before + whole for whole in _continued(part, vocabulary) if whole != part]


def _continued(part: str, vocabulary: Vocabulary) -> Iterator[str]:
    key, colon, values = part.partition(":")
    if not colon:
        yield from (f"{known}:" for known in vocabulary.keys if part and known.startswith(part))
        return
    earlier, comma, beginning = values.rpartition(",")
    for value in vocabulary.choices.get(key, ()):
        if value.startswith(beginning):
            yield f"{key}:{earlier}{comma}{value}"


class _NotMeant(Exception):
    """A part that cannot be meant, and as much of it as can."""

    def __init__(self, sentence: str, instead: Choice | None = None) -> None:
        super().__init__(sentence)
        self.instead = instead


def _understood(part: str, vocabulary: Vocabulary) -> Word | Choice | Comparison | None:
    term = _TERM.fullmatch(part)
    if term is None:
        negated = part.startswith("-")
        text = part[negated:].strip('"')
        return Word(text, negated) if text else None
    minus, key, value = term.groups()
    value = value.strip('"')
    if key in vocabulary.choices:
        return _choice(key, value, vocabulary.choices[key], negated=bool(minus))
    if key in vocabulary.measures:
        return _comparison(key, value, vocabulary.measures[key], negated=bool(minus))
    raise _NotMeant(_unknown_key(key, vocabulary.keys))


def _choice(key: str, value: str, known: Mapping[str, str], *, negated: bool) -> Choice:
    wanted = [each for each in value.split(",") if each]
    possible = tuple(each for each in wanted if _can_match(each, known))
    choice = Choice(key, possible, negated) if possible else None
    if len(possible) < len(wanted) or not wanted:
        raise _NotMeant(f"{key}: is {_listed(list(known))}", choice)
    assert choice is not None  # noqa: S101 - as many are possible as are wanted, and some are wanted
    return choice


def _can_match(beginning: str, known: Mapping[str, str]) -> bool:
    return any(form.startswith(beginning) for key, title in known.items() for form in (key, slug(title)))


def _comparison(key: str, value: str, unit: Unit, *, negated: bool) -> Comparison:
    written = _COMPARISON.fullmatch(value)
    if written is None or written[3] not in unit.factors:
        raise _NotMeant(f"{key}: is compared, such as {unit.examples}")
    sign, amount, name = written.groups()
    return Comparison(key, sign, float(amount) * unit.factors[name], negated)


def _unknown_key(word: str, keys: list[str]) -> str:
    meant = nearest(word, keys)
    hint = f"did you mean {meant}:?" if meant else f"there are {_listed([f'{key}:' for key in keys], 'and')}"
    return f"No column “{printable(word, 20)}”; {hint}"


def _listed(words: Sequence[str], last: str = "or") -> str:
    return " ".join((", ".join(words[:-1]), last, words[-1])) if len(words) > 1 else "".join(words)
