"""What a terminal shows after all that was written to it: enough of one for what Textual writes."""

import codecs
import re

from rich.cells import cell_len

_PART = re.compile(
    r"\x1b\[([0-9;:<=>?]*)([ -/]*[@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[P_^][^\x1b]*\x1b\\|\x1b.|[\r\n]"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;:<=>? -/]*|\][^\x07\x1b]*\x1b?|[P_^][^\x1b]*\x1b?)?$")


class Picture:
    """Cells of text and style. The second half of a wide character is an empty text."""

    def __init__(self, columns: int, rows: int) -> None:
        self._columns = columns
        self._cells = [[(" ", "")] * columns for _ in range(rows)]
        self._x = self._y = 0
        self._style = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    @property
    def size(self) -> tuple[int, int]:
        return self._columns, len(self._cells)

    @property
    def lines(self) -> list[str]:
        return ["".join(text for text, _ in line) for line in self._cells]

    @property
    def cells(self) -> list[list[tuple[str, str]]]:
        """Per line the text of each cell and the style that it was written in, as an SGR sequence has it."""
        return [list(line) for line in self._cells]

    def feed(self, data: bytes) -> None:
        """Take what was written next; it may end anywhere."""
        text = self._rest + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text)
        self._rest = text[unfinished.start() :] if unfinished else ""
        text = text[: len(text) - len(self._rest)]
        place = 0
        for part in _PART.finditer(text):
            self._write(text[place : part.start()])
            self._control(part)
            place = part.end()
        self._write(text[place:])

    def _control(self, part: "re.Match[str]") -> None:
        arguments, final = part[1], part[2]
        if part[0] == "\n":
            self._y = min(self._y + 1, len(self._cells) - 1)
        elif part[0] == "\r":
            self._x = 0
        elif final == "H":
            row, _, column = arguments.partition(";")
            self._y = min(int(row or 1), len(self._cells)) - 1
            self._x = min(int(column or 1), self._columns) - 1
        elif final == "m":
            self._style = "" if arguments in {"", "0"} else arguments
        elif final == "J":
            self._cells = [[(" ", "")] * self._columns for _ in self._cells]

    def _write(self, text: str) -> None:
        line = self._cells[self._y]
        if text.isascii():
            text = text[: self._columns - self._x]
            line[self._x : self._x + len(text)] = [(character, self._style) for character in text]
            self._x += len(text)
            return
        for character in text:
            width = cell_len(character)
            if width == 0 and self._x:
                before = self._x - 1 if line[self._x - 1][0] else self._x - 2
                line[before] = (line[before][0] + character, line[before][1])
            elif self._x + width <= self._columns:
                line[self._x : self._x + width] = [(character, self._style), ("", self._style)][:width]
                self._x += width
