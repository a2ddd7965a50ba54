"""Email, inbound: the attachments in a folder of an IMAP mailbox are the files.

A message never changes as long as the folder has the same UIDVALIDITY, so folder, UIDVALIDITY, UID and part name a file
for good: what was delivered under that key is not delivered again, whether the mail was moved away or not. Reading
never marks a mail as read. The sender that `from` filters by is what the mail says; anybody can write it.

Sizes must be those of the decoded files, which IMAP does not tell. (BINARY, RFC 3516, would; but Dovecot 2.3.19 comes
out a hundred bytes short when another attachment follows.) So attachments that the pattern matches are read while
listing, and kept in a temporary file up to a limit. A process remembers the sizes it has found. With `after = "keep"`
every new process reads the whole folder again, so `move` serves better where it grows.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import is_partial, matches, unused_name
from tui.domain.terms import After, MailAuth
from tui.methods.base import BLOCK_SIZE, Entry, Source, Surroundings
from tui.methods.imap_client import Folder, ImapClient, OversizedAnswer
from tui.methods.imap_syntax import Value, moment, number
from tui.methods.mail_identity import (
    TlsLayer,
    check_certificate,
    identify_mail_server,
    mail_endpoint,
    meet,
    trusting_context,
)
from tui.methods.mail_parts import DamagedContent, Part, TransferDecoder, attached_parts, is_from, message_id_in
from tui.methods.route import find_way
from tui.methods.spool import Slice, Spool
from tui.trust.identity import Identity

_MAILS_PER_LOOK = 50
_MOST_MAILS = 1_000_000
"""Of one folder."""
_LONGEST_HEADER = 64 * 1024
"""Bytes of sender and Message-ID; no honest mail has more than some hundred."""
_PIECE = 512 * 1024
"""Bytes of an encoded attachment asked for at a time."""

_SPOOL_LIMIT = 256 * 1024 * 1024
"""Bytes of attachments kept from listing; what is beyond is read once more."""

_KNOWN_SIZES: dict[tuple[str, str, str], int] = {}
"""Sizes found by this process, by server, user and key of the file. Kept beyond the session, because what a key names
never changes."""

_MOST_SIZES = 20_000

_HEADER = "BODY[HEADER.FIELDS (FROM MESSAGE-ID)]"
_LOOK = "(UID FLAGS INTERNALDATE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (FROM MESSAGE-ID)])"


@dataclass(frozen=True, slots=True)
class _Offer:
    """An attachment that is offered as a file."""

    entry: Entry
    uid: int
    part: Part
    kept: Slice | None = None
    """Where its bytes lie in the spool."""


class ImapSession(Source):
    """Source of inbound runs by email.

    A mail is moved or deleted when every attachment of it that the connection's pattern matches has been settled. If
    one of them was not delivered, because its name is unsafe or its content damaged, the mail stays where it is.
    """

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        endpoint, self._peer = mail_endpoint(connection)
        self._endpoint = endpoint
        self._connection = connection
        self._surroundings = surroundings
        self._narrator = surroundings.narrator
        self._secret = surroundings.secret
        self._alive = surroundings.alive
        self._folder_name = endpoint.folder or "INBOX"
        self._way = find_way(connection, surroundings)
        self._client = ImapClient(self._peer)
        self._folder = Folder(0, "")
        self._spool: Spool | None = None
        self._offers: dict[str, _Offer] = {}
        self._settled: set[str] = set()
        self._destination: str | None = None

    async def open(self) -> None:
        context = await asyncio.to_thread(trusting_context, self._endpoint)
        await meet(self._client, self._peer, self._way, self._endpoint.tls, context, self._narrator, self._judge)
        username = self._endpoint.username or ""
        with self._narrator.step("login") as note:
            with_token = self._endpoint.auth is MailAuth.XOAUTH2
            login = self._client.login_with_token if with_token else self._client.login
            mechanism = await login(username, await self._secret() or "")
            note.detail = f"logged in as {username} with {mechanism}"
        with self._narrator.step("folder") as note:
            # Whoever keeps the mails has no need for the right to change them.
            readonly = self._connection.after is After.KEEP
            self._folder = await self._client.select(self._folder_name, readonly=readonly)
            note.detail = f"{self._folder_name}: {self._folder.exists} mails"

    def _judge(self, shown: TlsLayer) -> str:
        return check_certificate(shown, self._endpoint, self._peer, self._surroundings)

    async def close(self) -> None:
        await self._client.close()
        await self._way.close()
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    async def offers(self) -> str | None:
        return " ".join(sorted(self._client.capabilities)) or None

    def abort(self) -> None:
        self._client.abort()
        self._way.abort()

    async def list_files(self) -> list[Entry]:
        self._offers.clear()
        if self._folder.exists > _MOST_MAILS:
            raise TransferFailed(
                FailureClass.REJECTED,
                f"{self._folder_name} at {self._peer} has more than {_MOST_MAILS} mails.",
                remedy="Have delivered mails moved out of that folder (after = move), or name another folder.",
            )
        found = []
        for first in range(1, self._folder.exists + 1, _MAILS_PER_LOOK):
            last = min(first + _MAILS_PER_LOOK - 1, self._folder.exists)
            for mail in await self._look_at(first, last):
                found += self._offers_of(mail)
        for offer in _told_apart(found):
            self._offers[offer.entry.key] = await self._measured(offer)
        return [offer.entry for offer in self._offers.values()]

    async def _look_at(self, first: int, last: int) -> list[dict[str, Value]]:
        """These mails, by their sequence numbers. One of excessive structure is left out and does not take the others
        with it: anybody can send such a mail."""
        try:
            mails = await self._client.fetch(f"{first}:{last}", _LOOK)
        except OversizedAnswer:
            if first == last:
                self._narrator.tell("list", f"mail number {first} is left alone: it has too many parts", ok=False)
                return []
            middle = (first + last) // 2
            return await self._look_at(first, middle) + await self._look_at(middle + 1, last)
        self._alive()
        return mails

    def _offers_of(self, mail: dict[str, Value]) -> list[_Offer]:
        uid, mtime = number(mail.get("UID")), moment(mail.get("INTERNALDATE"))
        found = mail.get(_HEADER)
        header = found if isinstance(found, bytes) and len(found) <= _LONGEST_HEADER else b""
        # What has no UID is news about a mail, not an answer.
        if not uid or _is_deleted(mail.get("FLAGS")) or not self._is_wanted(header):
            return []
        message_id = message_id_in(header)
        offers = []
        for part in attached_parts(mail.get("BODYSTRUCTURE")):
            key = f"{self._folder_name};{self._folder.uidvalidity};{uid};{part.number}"
            alias = None if message_id is None else f"{message_id};{part.number}"
            entry = replace(Entry.named(part.name, part.octets, mtime, key), alias=alias)
            offers.append(_Offer(entry, uid, part))
        return offers

    def _is_wanted(self, header: bytes) -> bool:
        pattern = self._endpoint.from_
        return pattern is None or is_from(header, pattern)

    def _is_selected(self, entry: Entry) -> bool:
        """Whether the connection is about this attachment; for others the exact size does not matter."""
        return matches(entry.name, self._connection.pattern) and not is_partial(entry.name)

    async def _measured(self, offer: _Offer) -> _Offer:
        """The offer with its exact size."""
        if not self._is_selected(offer.entry) or offer.entry.problem is not None:
            return offer
        where = (str(self._peer), self._endpoint.username or "", offer.entry.key)
        known = _KNOWN_SIZES.get(where)
        if known is not None:
            return replace(offer, entry=replace(offer.entry, size=known))
        measured = await self._read_ahead(offer)
        if measured is None:
            return offer
        _KNOWN_SIZES[where] = measured.entry.size
        while len(_KNOWN_SIZES) > _MOST_SIZES:
            del _KNOWN_SIZES[next(iter(_KNOWN_SIZES))]
        return measured

    async def _read_ahead(self, offer: _Offer) -> _Offer | None:
        """Read the attachment for its size, and keep it if there is room. None when it is damaged."""
        if self._spool is None:
            self._spool = Spool()
        start, size = self._spool.size, 0
        keep = start + offer.part.octets <= _SPOOL_LIMIT
        try:
            async for block in self._decoded(offer):
                size += len(block)
                if keep:
                    await self._spool.append(block)
        except DamagedContent:
            # Told when the file is read, as a failure of that file.
            await self._spool.cut(start)
            return None
        return replace(offer, entry=replace(offer.entry, size=size), kept=Slice(start, size) if keep else None)

    @property
    def can_grow(self) -> bool:
        """A mail is complete when it is listed."""
        return False

    @asynccontextmanager
    async def read(self, entry: Entry, offset: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        del offset  # attachments are decoded from their start
        offer = self._offers[entry.key]
        try:
            if offer.kept is not None and self._spool is not None:
                yield self._spool.blocks(offer.kept, BLOCK_SIZE)
            else:
                yield self._decoded(offer)
        except DamagedContent as error:
            raise TransferFailed(
                FailureClass.REJECTED,
                f"{entry.name} in mail {offer.uid} of {self._folder_name} cannot be decoded: {error}.",
                remedy="Ask the partner to send it again.",
            ) from error

    async def _decoded(self, offer: _Offer) -> AsyncIterator[bytes]:
        """The attachment piece by piece. Raises DamagedContent."""
        decoder = TransferDecoder(offer.part.encoding)
        start = 0
        while True:
            piece = await self._piece(offer, start)
            self._alive()
            yield await asyncio.to_thread(decoder.feed, piece)
            start += len(piece)
            # A short answer before the declared end is only short: servers may give less than they are asked for.
            if not piece or (len(piece) < _PIECE and start >= offer.part.octets):
                break
        yield decoder.finish()

    async def _piece(self, offer: _Offer, start: int) -> bytes:
        section = f"[{offer.part.number}]<{start}"
        answer = await self._client.uid_fetch(offer.uid, f"(BODY.PEEK{section}.{_PIECE}>)")
        if f"BODY{section}>" not in answer:
            raise TransferFailed(
                FailureClass.NOT_FOUND,
                f"Mail {offer.uid} of {self._folder_name} is gone; somebody else has removed it.",
            )
        piece = answer[f"BODY{section}>"]
        return piece if isinstance(piece, bytes) else b""

    async def stat(self, entry: Entry) -> Entry | None:
        offer = self._offers.get(entry.key)
        if offer is None:
            return None
        answer = await self._client.uid_fetch(offer.uid, "(UID)")
        return offer.entry if answer else None

    async def settle(self, entry: Entry) -> None:
        offer = self._offers.get(entry.key)
        if offer is None or self._connection.after is After.KEEP:
            return
        self._settled.add(entry.key)
        siblings = [one for one in self._offers.values() if one.uid == offer.uid and self._is_selected(one.entry)]
        if not all(one.entry.key in self._settled for one in siblings):
            return
        if self._connection.after is After.DELETE:
            await self._client.delete(offer.uid)
        else:
            await self._move(offer.uid)

    async def _move(self, uid: int) -> None:
        if self._destination is None:
            self._destination = await self._find_destination()
        try:
            await self._client.move(uid, self._destination)
        except TransferFailed as error:
            if error.failure.failure_class is not FailureClass.NOT_FOUND:
                raise
            await self._client.create(self._destination)
            await self._client.move(uid, self._destination)
        self._narrator.tell("after", f"mail {uid} moved to {self._destination}")

    async def _find_destination(self) -> str:
        """`move_to` as the server writes it: inside the folder, or from the top when it begins with a slash."""
        delimiter = await self._client.delimiter()
        move_to = self._connection.move_to or ""
        path = move_to.strip("/").replace("/", delimiter)
        return path if move_to.startswith("/") else f"{self._folder_name}{delimiter}{path}"


async def identify(connection: Connection, surroundings: Surroundings) -> Identity:
    """The certificate that the server shows, judged. Nobody logs in. Raises TransferFailed."""
    return await identify_mail_server(connection, find_way(connection, surroundings), ImapClient)


def _told_apart(offers: list[_Offer]) -> list[_Offer]:
    """Give attachments of one name names of their own on the other side: each gets its UID and part before the ending.

    None keeps the plain name: it would go to another one as soon as the first mail is moved away, and overwrite it.
    """
    counts = Counter(offer.entry.name for offer in offers)
    used = set(counts)
    apart = []
    for offer in offers:
        entry = offer.entry
        if counts[entry.name] > 1 and entry.problem is None:
            stem, dot, ending = entry.name.rpartition(".")
            mark = f"-{offer.uid}-{offer.part.number.replace('.', '-')}"
            name = f"{stem}{mark}.{ending}" if dot and stem else f"{entry.name}{mark}"
            name = unused_name(name, used.__contains__)
            used.add(name)
            entry = entry.called(name)
        apart.append(replace(offer, entry=entry))
    return apart


def _is_deleted(flags: Value) -> bool:
    return isinstance(flags, list) and any(isinstance(flag, bytes) and flag.lower() == b"\\deleted" for flag in flags)
