"""Email, outbound: the files of a run as attachments of as few mails as the server's size limit allows.

A mail has no temporary name. Files are staged in a temporary file of this machine, and handing the mail over is the
moment of delivery: when the server has confirmed it, the server is responsible for it (RFC 5321 section 6.1). Nothing
can be read back, so what proves a delivery is that answer.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.figures import count
from tui.domain.figures import size as shown_size
from tui.domain.terms import MailAuth, MailTls, Resend
from tui.methods.base import Entry, OutcomeUnknown, PartlyDelivered, Staged, Surroundings, Target, Writer
from tui.methods.blocks import Block
from tui.methods.mail_identity import (
    TlsLayer,
    check_certificate,
    identify_mail_server,
    mail_endpoint,
    meet,
    trusting_context,
)
from tui.methods.message import (
    DEFAULT_SUBJECT,
    RAW_LINE,
    Attachment,
    Letterhead,
    Mail,
    compose,
    encoded,
    is_plain_address,
    pack,
    size_of,
)
from tui.methods.route import find_way
from tui.methods.smtp_client import Refusal, SmtpClient
from tui.methods.spool import Slice, Spool
from tui.trust.identity import Identity

USUAL_LIMIT = 25_000_000
"""Bytes of a mail where the server names no limit: what large providers take. Bigger ones come back days later."""

_SMALL = 1_000
"""Bytes of a mail that is announced but never sent."""

_BLOCK = RAW_LINE * 4096


class SmtpSession(Target):
    """Target of outbound runs by email."""

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        endpoint, self._peer = mail_endpoint(connection)
        self._endpoint = endpoint
        self._surroundings = surroundings
        self._narrator = surroundings.narrator
        self._secret = surroundings.secret
        self._alive = surroundings.alive
        self._head = Letterhead(
            connection.name,
            endpoint.sender or "",
            endpoint.recipients or (),
            endpoint.subject or DEFAULT_SUBJECT,
        )
        self._limit = USUAL_LIMIT
        self._way = find_way(connection, surroundings)
        self._client = SmtpClient(self._peer)
        self._spool: Spool | None = None
        self._staged: dict[str, Slice] = {}
        self._crowd: list[tuple[str, int]] = []
        """Names and sizes of the files that have to go in one mail."""

    async def open(self) -> None:
        self._check_addresses()
        context = await asyncio.to_thread(trusting_context, self._endpoint)
        await meet(self._client, self._peer, self._way, self._endpoint.tls, context, self._narrator, self._judge)
        await self._client.hello()
        await self._login()
        announced = self._client.size_limit
        self._limit = announced or USUAL_LIMIT
        whose = "as the server says" if announced else "as is usual; the server names no limit"
        self._narrator.tell("size", f"mails of up to {shown_size(self._limit)}, {whose}")

    async def offers(self) -> str | None:
        return ", ".join(self._client.extensions) or None

    async def clock(self, fresh: str | None) -> float | None:
        del fresh
        return self._client.server_time

    async def rehearse(self) -> str | None:
        """Sender and recipients are named, and taken back before there is a mail."""
        refused = await self._client.begin(self._head.sender, self._head.recipients, _SMALL)
        await self._client.reset()
        if refused:
            for_now = all(refusal.for_now for refusal in refused)
            raise TransferFailed(
                FailureClass.REFUSED if for_now else FailureClass.REJECTED,
                f"{self._peer} would not take a mail for {_listed(refused)}; none was sent.",
                remedy="Correct the recipients in the connection, or ask the partner why they are refused.",
            )
        recipients = count(len(self._head.recipients), "recipient")
        return f"a mail from {self._head.sender} to {recipients} would be taken; none was sent"

    def _judge(self, shown: TlsLayer) -> str:
        return check_certificate(shown, self._endpoint, self._peer, self._surroundings)

    def _check_addresses(self) -> None:
        for address in (self._head.sender, *self._head.recipients):
            if not is_plain_address(address):
                raise TransferFailed(
                    FailureClass.CONFIG,
                    f"The address {address} cannot be used: it needs characters that many mail servers do not take.",
                    remedy="Use a plain ASCII address; write a domain in its xn-- form.",
                )

    async def _login(self) -> None:
        username = self._endpoint.username
        if username is None:
            self._narrator.tell("login", "none: the connection has no username")
            return
        with self._narrator.step("login") as note:
            secret = await self._secret() or ""
            if self._endpoint.auth is MailAuth.XOAUTH2:
                mechanism = await self._client.login_with_token(username, secret)
            else:
                encrypted = self._endpoint.tls is not MailTls.NONE
                mechanism = await self._client.login(username, secret, encrypted=encrypted)
            note.detail = f"logged in as {username} with {mechanism}"

    async def close(self) -> None:
        await self._client.close()
        await self._way.close()
        if self._spool is not None:
            self._spool.close()
            self._spool = None
            self._staged.clear()

    def abort(self) -> None:
        self._client.abort()
        self._way.abort()

    def batches(self, entries: Sequence[Entry]) -> list[list[Entry]]:
        """As few mails as the limit allows, in order. A file too large for any mail is alone; `stage` refuses it."""
        if self._endpoint.single_mail:
            self._crowd = [(entry.target_name, entry.size) for entry in entries]
            return [list(entries)] if entries else []
        groups = pack(self._head, [(entry.target_name, entry.size) for entry in entries], self._limit)
        return [[entries[index] for index in group] for group in groups]

    @property
    def can_stage_ahead(self) -> bool:
        # A mail is built out of everything that is staged.
        return False

    @property
    def all_or_none(self) -> bool:
        return self._endpoint.single_mail

    @asynccontextmanager
    async def stage(self, entry: Entry, keep: int = 0) -> AsyncIterator[Writer]:
        del keep  # nothing staged outlives the session
        self._check_size(entry)
        if self._spool is None:
            self._spool = Spool()
        spool = self._spool
        if not self._staged:
            await spool.cut(0)
        start = spool.size
        try:
            yield _SpoolWriter(spool)
        except BaseException:
            await spool.cut(start)
            raise
        self._staged[entry.key] = Slice(start, spool.size - start)

    def _check_size(self, entry: Entry) -> None:
        together = size_of(self._head, self._crowd) if len(self._crowd) > 1 else 0
        if together > self._limit:
            raise TransferFailed(
                FailureClass.REJECTED,
                f"{len(self._crowd)} files make a mail of {together:,} bytes; {self._peer} takes {self._limit:,}.",
                remedy="Set single_mail = false to have them sent in several mails.",
            )
        needed = size_of(self._head, [(entry.target_name, entry.size)])
        if needed > self._limit:
            raise TransferFailed(
                FailureClass.REJECTED,
                f"{entry.name} is too large for a mail: its {entry.size:,} bytes make a mail of {needed:,}, and "
                f"{self._peer} takes {self._limit:,} at most.",
                remedy="Split or compress the file, or agree on SFTP with the partner.",
            )

    async def staged_size(self, entry: Entry) -> int | None:
        where = self._staged.get(entry.key)
        return None if where is None else where.size

    async def has_published(self, staged: Staged) -> bool | None:
        """Nobody can look into the recipient's mailbox. With `resend = always` a mail counts as not sent until it was
        confirmed; its Message-ID tells a receiver who has it already."""
        del staged
        return False if self._endpoint.resend is Resend.ALWAYS else None

    async def publish(self, batch: Sequence[Staged]) -> None:
        attachments = [Attachment(staged.entry.target_name, staged.size, staged.sha256) for staged in batch]
        mail = await asyncio.to_thread(compose, self._head, attachments, datetime.now(UTC))
        size = mail.size
        refused = await self._client.begin(self._head.sender, self._head.recipients, size)
        accepted = [one for one in self._head.recipients if one not in {refusal.recipient for refusal in refused}]
        self._check_recipients(accepted, refused)
        try:
            answer = await self._client.send(self._content(mail, batch), size, self._alive)
        except asyncio.CancelledError:
            self._narrator.tell("mail", f"cancelled while the mail {mail.message_id} was handed over", ok=False)
            raise
        except OutcomeUnknown as error:
            if self._endpoint.resend is Resend.ALWAYS:
                raise TransferFailed(FailureClass.NETWORK, str(error)) from error
            raise
        self._narrator.tell("mail", f"{mail.message_id} to {', '.join(accepted)}: {answer}")
        for staged in batch:
            # Nothing that can fail, and no moment for a cancel: the mail is out, and that is to be put on record now.
            del self._staged[staged.entry.key]
        if refused:
            raise PartlyDelivered(
                FailureClass.REJECTED,
                f"Delivered to {', '.join(accepted)}, but {self._peer} refused {_listed(refused)}.",
                remedy=(
                    "Correct the refused addresses in the connection and send them these files yourself: Wharf does "
                    "not send them again, because the others have them."
                ),
            )

    def _check_recipients(self, accepted: Sequence[str], refused: Sequence[Refusal]) -> None:
        """Whether the mail may be handed over. As long as a refusal is only for now, nobody gets it: a later attempt
        can reach all, and whoever had it already would get it twice."""
        if any(refusal.for_now for refusal in refused):
            raise TransferFailed(
                FailureClass.REFUSED,
                f"{self._peer} takes no mail now for {_listed(refused)}; it was sent to nobody.",
                remedy="Try later; ask the partner if it lasts.",
            )
        if not accepted:
            raise TransferFailed(FailureClass.REJECTED, f"{self._peer} refused every recipient: {_listed(refused)}.")

    async def _content(self, mail: Mail, batch: Sequence[Staged]) -> AsyncIterator[bytes]:
        """The mail in blocks of complete lines."""
        assert self._spool is not None  # noqa: S101 - the batch is staged in it
        files = iter(batch)
        for piece in mail.pieces:
            if isinstance(piece, bytes):
                yield piece
                continue
            async for block in self._spool.blocks(self._staged[next(files).entry.key], _BLOCK):
                yield await asyncio.to_thread(encoded, block)

    async def discard(self, entry: Entry) -> None:
        self._staged.pop(entry.key, None)


class _SpoolWriter:
    stored = 0
    """Nothing staged outlives the session."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    async def write(self, data: Block) -> None:
        await self._spool.append(data)


async def identify(connection: Connection, surroundings: Surroundings) -> Identity:
    """The certificate that the server shows, judged. Nobody logs in. Raises TransferFailed."""
    return await identify_mail_server(connection, find_way(connection, surroundings), SmtpClient)


def _listed(refused: Sequence[Refusal]) -> str:
    return "; ".join(map(str, refused))
