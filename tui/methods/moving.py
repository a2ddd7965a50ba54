"""Looks at a delivered file once more after it was moved away.

Between the last look at a file and its move its sender may change it. Then it was moved undelivered, and has to go
back, so that the next run delivers it. What changes between the look and a deletion is lost: nothing can be put back,
which leaves a window of a few requests.
"""

from collections.abc import Awaitable, Callable

from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import Entry


class ChangedMeanwhile(TransferFailed):
    """The file is not the one that was delivered any more. It lies where it was."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(FailureClass.INTEGRITY, f"{entry.name} is another file by now; it is left for the next run.")


class LeftMoved(TransferFailed):
    """The file had changed, was moved undelivered and does not go back."""

    def __init__(self, entry: Entry, place: str, why: str) -> None:
        super().__init__(
            FailureClass.REJECTED,
            f"{entry.name} was changed while it was moved away after its delivery. As it is now, in {place}, it was "
            f"not delivered, and it cannot be put back: {why}",
            remedy=f"Move it from {place} back to where it came from; the next run delivers it.",
        )


class AfterMove:
    """Judges what was moved, over the moves of one session.

    Some servers, such as gateways to an object store, give a file a new time with every rename. Where one was never
    seen to keep a time, another time alone says nothing of the content.
    """

    def __init__(self) -> None:
        self._keeps_times = False

    async def check(
        self, delivered: Entry, moved: Entry | None, place: str, put_back: Callable[[], Awaitable[None]]
    ) -> None:
        """Given what lies in its new place, or None where that is gone again. Raises ChangedMeanwhile when it was not
        what was delivered and was put back, and LeftMoved when it could not be."""
        if moved is None or not self._is_another(delivered, moved):
            return
        try:
            await put_back()
        except TransferFailed as error:
            raise LeftMoved(delivered, place, str(error)) from error
        raise ChangedMeanwhile(delivered)

    def _is_another(self, delivered: Entry, moved: Entry) -> bool:
        if moved.size == delivered.size and moved.mtime == delivered.mtime:
            self._keeps_times = True
        return moved.size != delivered.size or (self._keeps_times and moved.mtime != delivered.mtime)
