"""Bars for the days of a period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from textual_plot import HiResMode, NumericAxisFormatter, PlotWidget

from tui.domain.figures import size

_TICKS = 6

SOUND, FAILED = "█", "⣿"
"""What the two parts of a bar are made of."""


@dataclass(frozen=True, slots=True)
class Day:
    """What is drawn of a day: a bar, of which the lower part may be `sound`, the rest being what has failed."""

    day: date
    total: float
    sound: float


class DayPlot(PlotWidget, can_focus=False):
    """Bars from the first to the last day, with a place for days on which nothing happened."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, allow_pan_and_zoom=False)

    def show(self, days: Sequence[Day], begin: date, end: date, *, in_bytes: bool) -> None:
        """Draw these days of the period."""
        self.clear()
        self.set_x_formatter(_Dates())
        self.set_y_formatter(_Bytes() if in_bytes else _Counts())
        self.set_xlimits(begin.toordinal() - 0.5, end.toordinal() + 0.5)
        self.set_xticks(_ticks(begin, end))
        self.set_ylimits(0, max([day.total for day in days], default=0) * 1.05 or 1)
        places = [day.day.toordinal() for day in days]
        if any(day.total > day.sound for day in days):
            # Of dots, so that it is told apart without its colour as well.
            self.bar(places, [day.total for day in days], 0.8, "red", HiResMode.BRAILLE)
        if days:
            self.bar(places, [day.sound for day in days], 0.8, "cyan" if in_bytes else "green")


class _Dates(NumericAxisFormatter):
    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:
        return [f"{date.fromordinal(int(tick)):%d %b}" for tick in ticks]


class _Bytes(NumericAxisFormatter):
    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:
        return [size(tick) for tick in ticks]


class _Counts(NumericAxisFormatter):
    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:
        # Half a run does not exist.
        return [f"{tick:.0f}" if tick == int(tick) else "" for tick in ticks]


def _ticks(begin: date, end: date) -> list[float]:
    days = (end - begin).days
    step = max(1, round(days / _TICKS))
    return [float(begin.toordinal() + place) for place in range(0, days + 1, step)]
