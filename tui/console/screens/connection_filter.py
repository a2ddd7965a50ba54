"""What the filter line means: words and `column:value` terms, all of which a connection must meet."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tui.domain.connection import Direction, Method, type_title
from tui.domain.problems import nearest
from tui.domain.run import Status
from tui.domain.text import printable
from tui.store.base import ConnectionState

FACETS = ("type", "direction", "method", "status")
"""The columns with a fixed set of values, by the word that asks for them."""


def slug(title: str) -> str:
    """A value as it is written in a term: `In Progress` is `in-progress`."""
    return "-".join(title.lower().split())


def facet_values(states: Iterable[ConnectionState]) -> dict[str, dict[str, str]]:
    """Per facet the values to choose from, slug to title. Types are those in use, as users may have their own."""
    types = sorted({state.connection.type for state in states}, key=type_title)
    return {
        "type": {slug(key): type_title(key) for key in types},
        "direction": {slug(each.label): each.label for each in Direction},
        "method": {slug(each.label): each.label for each in Method},
        "status": {slug(each.value): each.value for each in Status},
    }


def values_of(state: ConnectionState) -> dict[str, tuple[str, ...]]:
    """Per facet how the connection's own value may be written."""
    connection = state.connection
    return {
        "type": (slug(connection.type), slug(type_title(connection.type))),
        "direction": (slug(connection.direction.label),),
        "method": (slug(connection.method.label),),
        "status": (slug(state.status.value),),
    }


def facet_counts(states: Iterable[ConnectionState]) -> Counter[tuple[str, str]]:
    """How many connections have each value of each facet."""
    return Counter((facet, values[0]) for state in states for facet, values in values_of(state).items())


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter line, understood. `problem` says in a sentence what was not."""

    words: tuple[str, ...] = ()
    terms: Mapping[str, tuple[str, ...]] | None = None
    problem: str | None = None

    def accepts(self, state: ConnectionState, cells: Sequence[str]) -> bool:
        """Whether a connection is shown. `cells` are the texts of its row."""
        return self.matches(values_of(state), cells)

    def matches(self, mine: Mapping[str, Sequence[str]], cells: Sequence[str]) -> bool:
        """Whether a row with these texts is shown; `mine` are its values per facet, as they may be written."""
        text = "\n".join(cells).lower()
        if not all(word in text for word in self.words):
            return False
        return all(
            any(value.startswith(wanted) for wanted in choices for value in mine[facet])
            for facet, choices in (self.terms or {}).items()
        )


def parse_filter(text: str, values: Mapping[str, Mapping[str, str]]) -> Filter:
    """Understand a filter line. Values match by their beginning; several, with commas between, mean any of them.

    A term that cannot be meant is reported and otherwise ignored, so that the rows do not vanish while it is typed.
    """
    words: list[str] = []
    terms: dict[str, tuple[str, ...]] = {}
    problem = None
    for part in text.lower().split():
        facet, colon, value = part.partition(":")
        if not colon:
            words.append(part)
        elif facet not in values:
            words.append(part)
            problem = problem or _unknown_facet(facet, tuple(values))
        else:
            wanted = tuple(choice for choice in value.split(",") if choice)
            known = [choice for choice in wanted if _can_match(facet, choice, values)]
            if known:
                terms[facet] = (*terms.get(facet, ()), *known)
            if len(known) < len(wanted) or not wanted:
                problem = problem or f"{facet}: is {_listed(list(values[facet]))}"
    return Filter(tuple(words), terms, problem)


def chosen(text: str, values: Mapping[str, Mapping[str, str]]) -> dict[str, set[str]]:
    """Per facet the values that a filter line asks for, as slugs."""
    terms = parse_filter(text, values).terms or {}
    return {
        facet: {value for value in values[facet] if any(value.startswith(each) for each in terms.get(facet, ()))}
        for facet in values
    }


def with_chosen(text: str, choices: Mapping[str, Iterable[str]]) -> str:
    """The filter line with its terms replaced by these choices; its words stay."""
    words = [part for part in text.split() if part.partition(":")[0].lower() not in choices or ":" not in part]
    terms = [f"{facet}:{','.join(sorted(chosen))}" for facet, chosen in choices.items() if chosen]
    return " ".join((*words, *terms))


def _can_match(facet: str, choice: str, values: Mapping[str, Mapping[str, str]]) -> bool:
    titles = (form for key, title in values[facet].items() for form in (key, slug(title)))
    return any(form.startswith(choice) for form in titles)


def _unknown_facet(word: str, facets: Sequence[str]) -> str:
    meant = nearest(word, list(facets))
    hint = f"did you mean {meant}:?" if meant else f"there are {_listed([f'{facet}:' for facet in facets], 'and')}"
    return f"No column “{printable(word, 20)}”; {hint}"


def _listed(words: Sequence[str], last: str = "or") -> str:
    return " ".join((", ".join(words[:-1]), last, words[-1])) if len(words) > 1 else "".join(words)
