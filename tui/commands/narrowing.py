"""`--filter`: the filter language of the screens, on the command line; `@NAME` is a filter that was saved there."""

from typing import TYPE_CHECKING

from tui.domain.failure import UsageProblem
from tui.domain.filter import Filter, Vocabulary, parse_filter
from tui.domain.text import printable
from tui.paths import Paths

if TYPE_CHECKING:
    from tui.saved_filters import Subject


def understood(line: str, vocabulary: Vocabulary, paths: Paths, subject: "Subject") -> Filter:
    """The filter that a line means. A command does not guess as a screen does while somebody types: a part that cannot
    be meant raises UsageProblem, and so does the name of a filter that was never saved."""
    if line.startswith("@"):
        from tui.saved_filters import SavedFilters

        line = SavedFilters(paths.filters, subject).line(line[1:])
    wanted = parse_filter(line, vocabulary)
    if wanted.mistakes:
        wrong = wanted.mistakes[0]
        raise UsageProblem(
            f"“{printable(line[wrong.start : wrong.end], 80)}” in the filter is not understood. {wrong.sentence}."
        )
    return wanted
