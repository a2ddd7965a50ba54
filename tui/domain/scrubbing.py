"""Takes secrets out of texts that others have written.

A server may repeat what was sent to it in a banner or an error text, and a library in an exception or a line of its
log. Whoever fetches a secret for work with a peer lets a scrubber learn it; within that work every text that is made
printable is scrubbed first, in whatever usual form it repeats the secret. A peer that wants to hide a secret in its
texts can: it has the secret already. What is prevented is that one is spread by accident, into histories and logs.
"""

import binascii
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from weakref import WeakSet

MASK = "[secret]"

SHORTEST = 4
"""Characters. What is shorter is found in most texts by chance; taking it out there would tell where it stood."""

_MOST_SECRETS = 8
"""Kept of one scrubber: access tokens follow each other for as long as the process lives."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")


class Scrubber:
    """Knows secrets and takes them out of texts. Shows none of them itself."""

    def __init__(self) -> None:
        self._secrets: deque[str] = deque(maxlen=_MOST_SECRETS)
        self._forms: re.Pattern[str] | None = None
        self._longest = 0
        _everywhere.add(self)

    def learn(self, secret: str) -> None:
        """Take this out of texts from now on."""
        if len(secret) < SHORTEST or secret in self._secrets:
            return
        self._secrets.append(secret)
        forms = sorted({form for known in self._secrets for form in _forms(known)}, key=len, reverse=True)
        self._forms = re.compile("|".join(map(re.escape, forms)), re.IGNORECASE)
        self._longest = len(forms[0])

    def scrub(self, text: str, limit: int | None = None) -> str:
        """The text with `MASK` in the place of every secret. With `limit`, only its beginning: that many characters or,
        where there are many secrets, fewer; what it costs does not grow with the rest."""
        if self._forms is None:
            return text
        # The margin holds whole whatever begins before the limit, in base64 too.
        window = len(text) if limit is None else limit + 2 * self._longest
        seen = self._masked(text[:window])
        if len(text) <= window:
            return seen
        # A secret that the window has cut is not known for one: it must not be moved to before the limit by masks.
        return seen[: max(0, min(len(seen) - self._longest, limit or 0))]

    def _masked(self, text: str) -> str:
        assert self._forms is not None  # noqa: S101 - asked for only once a secret is known
        return _BASE64.sub(self._unless_secret, self._forms.sub(MASK, text))

    def _unless_secret(self, match: re.Match[str]) -> str:
        content = _decoded(match[0])
        return MASK if any(secret.encode() in content for secret in self._secrets) else match[0]


_everywhere: WeakSet[Scrubber] = WeakSet()
_current: ContextVar[Scrubber | None] = ContextVar("scrubber", default=None)


@contextmanager
def scrubbing(scrubber: Scrubber) -> Iterator[None]:
    """In the body, and in the tasks and threads that are started in it, `scrubbed` asks this scrubber."""
    token = _current.set(scrubber)
    try:
        yield
    finally:
        _current.reset(token)


def scrubbed(text: str, limit: int | None = None) -> str:
    """The text without the secrets of the work that this is called in; see `Scrubber.scrub`."""
    scrubber = _current.get()
    return text if scrubber is None else scrubber.scrub(text, limit)


def scrubbed_of_all(text: str) -> str:
    """The text without the secrets of any work in this process: for logs, which may be written from anywhere."""
    for scrubber in list(_everywhere):
        text = scrubber.scrub(text)
    return text


def _forms(secret: str) -> set[str]:
    """How programs write a text that they repeat: as it is, quoted, escaped, in another encoding."""
    # Every command loads this module; few fetch a secret.
    import html
    import json
    from urllib.parse import quote, quote_plus

    raw = secret.encode("utf-8", "surrogateescape")
    forms = {
        secret,
        secret.strip(),
        " ".join(secret.split()),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        repr(raw)[2:-1],
        raw.decode("latin-1"),
        secret.replace("\\", "\\\\").replace('"', '\\"'),
        raw.hex(),
    }
    return {form for form in forms if len(form) >= SHORTEST}


def _decoded(token: str) -> bytes:
    """What a token holds if it is base64, of either alphabet and perhaps cut short."""
    bare = token.rstrip("=").replace("-", "+").replace("_", "/")
    bare = bare[: len(bare) - (len(bare) % 4 == 1)]
    try:
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        return b""
