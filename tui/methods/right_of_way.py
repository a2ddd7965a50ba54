"""Whoever presses a key goes first: transfers stand back for a moment, and the screen answers at once.

Transfers at full speed use all that the machine has. What a key sets off takes a dozen rounds of the event loop, and
each would wait until every transfer has dealt with its share. So the screen claims the right of way when a key comes,
until it has answered; the parts that move bytes, on the loop and in threads, look whether it is claimed before they
take on more.
"""

from time import monotonic, sleep

_LONGEST_CLAIM = 0.1
"""Seconds that a claim holds at most: as long as an answer on the screen takes where there is hardly a core for it."""
_SHORTEST_CLAIM = 0.03
"""Seconds that it holds at least: what is shown soon after a key may have been under way before."""
_LOOK = 0.01
"""Seconds after which those who stand back look again: most claims are over long before they have to be."""


class RightOfWay:
    """Claimed for a moment at a time, and for half of all time at most: a key that is held down stops no transfer.

    All of it may be called from any thread. A claim that is lost to another thread costs one key its lead, and no more.
    """

    def __init__(self) -> None:
        self._since = 0.0
        self._until = 0.0
        self._next = 0.0
        """When it may be claimed again."""
        self._heard = False

    def claim(self) -> None:
        """Have transfers stand back from now on, unless they do, or have only just done so."""
        now = monotonic()
        if now >= self._next:
            self._heard = False
            self._since, self._until, self._next = now, now + _LONGEST_CLAIM, now + 2 * _LONGEST_CLAIM

    def hear(self) -> None:
        """The event loop knows of what the claim was made for; what the screen shows from now on may be the answer."""
        self._heard = True

    def answer(self) -> None:
        """Something was shown: a claim of which the loop has heard is over."""
        now = monotonic()
        if self._heard and now < self._until:
            self._until = max(now, self._since + _SHORTEST_CLAIM)
            self._next = self._until + (self._until - self._since)

    @property
    def seconds_claimed(self) -> float:
        """For how long to stand back before looking again; nothing or less than nothing if nobody claims it."""
        return min(self._until - monotonic(), _LOOK)

    def give(self) -> None:
        """Wait in a thread until nobody claims it."""
        while (seconds := self.seconds_claimed) > 0:
            sleep(seconds)


right_of_way = RightOfWay()
"""That of this process: it has one screen and one event loop."""
