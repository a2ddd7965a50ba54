"""`--filter`: the filter language of the screens, on the command line."""

from tui.domain.failure import UsageProblem
from tui.domain.filter import Filter, Vocabulary, parse_filter
from tui.domain.text import printable


def understood(line: str, vocabulary: Vocabulary) -> Filter:
    """The filter that a line means. A command does not guess as a screen does while somebody types: a part that cannot
    be meant raises UsageProblem."""
    wanted = parse_filter(line, vocabulary)
    if wanted.mistakes:
        wrong = wanted.mistakes[0]
        raise UsageProblem(
            f"“{printable(line[wrong.start : wrong.end], 80)}” in the filter is not understood. {wrong.sentence}."
        )
    return wanted
