"""What a run has come to, in a status and one sentence. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.domain.failure import Failure
from tui.domain.figures import count
from tui.domain.run import FileRecord, FileStatus, Outcome, Status
from tui.domain.text import printable

_NAMED = 5
"""Failed files named in a run's message."""


@dataclass(frozen=True, slots=True)
class Untouched:
    """Matching files that the run had nothing to do with."""

    delivered_before: int = 0
    left_alone: int = 0


def outcome_of(
    files: Sequence[FileRecord], broken: Failure | None, untouched: Untouched, patterns: Sequence[str]
) -> Outcome:
    """How the run ended. `broken`: what ended its last attempt as a whole, if anything did."""
    failed = [record for record in files if record.failure is not None]
    first = broken or next((record.failure for record in failed), None)
    if first is None:
        return Outcome(Status.COMPLETED, message=_success(files, untouched, patterns))
    if len(files) > 1:
        done = sum(record.status is FileStatus.COMPLETED for record in files)
        message = f"{done} of {len(files)} files delivered. {first.message}"
        others = [printable(record.name, 60) for record in failed if record.failure is not first]
        if not broken and others:
            message += f" Also failed: {', '.join(others[:_NAMED])}{', …' if len(others) > _NAMED else ''}."
        first = Failure(first.failure_class, message, first.remedy)
    return Outcome(Status.FAILED, first)


def _success(files: Sequence[FileRecord], untouched: Untouched, patterns: Sequence[str]) -> str:
    skipped = sum(record.status is FileStatus.SKIPPED for record in files)
    left = f"; {count(untouched.left_alone, 'file')} left alone" if untouched.left_alone else ""
    if len(files) > skipped:
        return f"{count(len(files) - skipped, 'file')} delivered{f', {skipped} skipped' if skipped else ''}{left}."
    if skipped:
        return f"Nothing new: {count(skipped, 'file')} skipped{left}."
    if untouched.delivered_before:
        number = untouched.delivered_before
        return (
            f"Nothing new: {count(number, 'matching file')} {'was' if number == 1 else 'were'} delivered before{left}."
        )
    if untouched.left_alone:
        return f"0 files: {count(untouched.left_alone, 'matching file')} left alone."
    return f"0 files: nothing matches {', '.join(patterns)}."
