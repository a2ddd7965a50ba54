"""Whoever presses a key goes first: transfers stand back for a moment, and the screen answers at once.

Transfers at full speed use all that the machine has. What a key sets off takes a dozen rounds of the event loop, and
each would wait until every transfer has dealt with its share. So the screen claims the right of way when a key comes;
the parts that move bytes, on the loop and in threads, look whether it is claimed before they take on more.
"""

from time import monotonic, sleep

_CLAIM = 0.03
"""Seconds that a claim holds: as long as an answer on the screen takes."""


class RightOfWay:
    """Claimed for a moment at a time, and for half of all time at most: a key that is held down stops no transfer.

    All of it may be called from any thread.
    """

    def __init__(self) -> None:
        self._until = 0.0

    def claim(self) -> None:
        """Have transfers stand back from now on, unless they have only just done so."""
        now = monotonic()
        if now >= self._until + _CLAIM:
            self._until = now + _CLAIM

    @property
    def seconds_claimed(self) -> float:
        """For how long to stand back; nothing or less than nothing if nobody claims it."""
        return self._until - monotonic()

    def give(self) -> None:
        """Wait in a thread until nobody claims it."""
        while (seconds := self.seconds_claimed) > 0:
            sleep(seconds)


right_of_way = RightOfWay()
"""That of this process: it has one screen and one event loop."""
