"""SIGINT, SIGTERM and SIGHUP end a command in good order: what is open is closed, what runs is put on record."""

import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, TypeVar

from tui.domain.failure import WharfError

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked the command to end. Like KeyboardInterrupt no Exception, so that nothing handles it by mistake."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.signal = number

    @property
    def exit_code(self) -> int:
        """As a shell reports a program that was ended by this signal."""
        return 128 + self.signal


def _heeded() -> list[signal.Signals]:
    """The signals to obey: under nohup, or in the background of a script, some are ignored and must stay so."""
    return [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def interruptible() -> Iterator[None]:
    """In the body each of the signals raises Interrupted, wherever the program is: at a prompt, in a file."""

    def interrupt(number: int, _frame: FrameType | None) -> NoReturn:
        raise Interrupted(signal.Signals(number))

    before = {number: signal.signal(number, interrupt) for number in _heeded()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run asynchronous work to its end. A signal cancels it; once it has cleaned up, Interrupted is raised.

    Further signals change nothing: a service manager sends SIGTERM and SIGHUP at once, and neither must cut short the
    clean-up, which is bounded by itself.
    """
    import asyncio

    from tui.commands.collecting import collect_after_start
    from tui.methods.loop_turns import new_event_loop

    received: list[signal.Signals] = []

    async def main() -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is a task

        def stop(number: signal.Signals) -> None:
            if not received:
                received.append(number)
                task.cancel()

        for number in handlers:
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
        collect_after_start()
        return await work

    handlers = {number: signal.getsignal(number) for number in _heeded()}
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            result = runner.run(main())
    except (asyncio.CancelledError, WharfError):
        # A failure while the work cleans up after a signal is on record elsewhere; the signal is what ended it.
        if not received:
            raise
    finally:
        # A loop resets the handlers to the default when it closes.
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if received:
        raise Interrupted(received[0])
    return result
