"""The line in which a filter is typed: it shows what cannot be meant, and how the line can go on."""

from collections.abc import Callable

from rich.highlighter import Highlighter
from rich.text import Text
from textual.suggester import Suggester
from textual.widgets import Input

from tui.domain.filter import Vocabulary, completions, parse_filter

GetVocabulary = Callable[[], Vocabulary]
"""Asked each time: the types of connections that are in use change."""


class FilterInput(Input):
    """Parts that cannot be meant are underlined where they stand; the nearest way to go on stands behind the cursor."""

    def __init__(self, vocabulary: GetVocabulary, *, hint: str, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(
            placeholder=hint,
            compact=True,
            select_on_focus=False,
            highlighter=_WrongParts(vocabulary),
            suggester=_Completing(vocabulary),
            id=id,
        )
        self._vocabulary = vocabulary

    @property
    def ways_on(self) -> list[str]:
        """How the part that is being typed can go on, without what stands before it."""
        last = max(self.value.rfind(" "), self.value.rfind(",")) + 1
        return [line[last:] for line in completions(self.value, self._vocabulary())]

    def complete(self) -> None:
        """Take the first way to go on, if there is any."""
        if ways := completions(self.value, self._vocabulary()):
            self.value = ways[0]
            self.cursor_position = len(self.value)


class _WrongParts(Highlighter):
    def __init__(self, vocabulary: GetVocabulary) -> None:
        self._vocabulary = vocabulary

    def highlight(self, text: Text) -> None:
        for mistake in parse_filter(text.plain, self._vocabulary()).mistakes:
            text.stylize("underline yellow", mistake.start, mistake.end)


class _Completing(Suggester):
    def __init__(self, vocabulary: GetVocabulary) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._vocabulary = vocabulary

    async def get_suggestion(self, value: str) -> str | None:
        return next(iter(completions(value, self._vocabulary())), None)
