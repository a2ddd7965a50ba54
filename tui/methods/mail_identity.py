"""Who a mail server is: what SMTP and IMAP have in common about certificates."""

import socket
import ssl
from collections.abc import Callable
from typing import Protocol, TypeAlias

from tui.domain.connection import Connection
from tui.domain.endpoint import EmailEndpoint
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.terms import MailTls
from tui.methods.base import Surroundings
from tui.methods.dial import Peer, Way
from tui.methods.narration import SILENT, Narrator
from tui.methods.tls_identity import identify_by_certificate
from tui.trust.identity import Identity
from tui.trust.tls import client_context, trusted_certificate

TlsLayer: TypeAlias = ssl.SSLObject | ssl.SSLSocket

NOT_ENCRYPTED = "not encrypted: whoever is in between can read all of it, and nobody has proved who answers"


class MailClient(Protocol):
    """What SMTP and IMAP clients have in common before anybody logs in."""

    @property
    def certificate(self) -> TlsLayer:
        """The TLS layer, with the certificate that the server has shown."""

    async def greet(self, connected: socket.socket, context: ssl.SSLContext | None) -> str:
        """Take over a connected socket, with implicit TLS when there is a context. Returns the server's greeting."""

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Encrypt from now on. Raises TransferFailed where the server does not offer it."""

    async def close(self) -> None:
        """Say good-bye, if that can be done, and close. Never raises."""


def mail_endpoint(connection: Connection) -> tuple[EmailEndpoint, Peer]:
    """The endpoint of an email connection and the server that it names."""
    endpoint = connection.endpoint
    assert isinstance(endpoint, EmailEndpoint)  # noqa: S101 - the caller has looked at the method
    return endpoint, Peer(endpoint.host, connection.port, connection.stall_timeout)


def trusting_context(endpoint: EmailEndpoint) -> ssl.SSLContext:
    """What the connection trusts. Reads files. Raises TransferFailed (config)."""
    return client_context(endpoint.ca_file, endpoint.fingerprint)


def check_certificate(shown: TlsLayer, endpoint: EmailEndpoint, peer: Peer, surroundings: Surroundings) -> str:
    """Compare the pin, if there is one; the CA was checked in the handshake. Returns what to tell of the server.
    Raises TransferFailed (tls)."""
    certificate = trusted_certificate(shown, endpoint.fingerprint, str(peer))
    if certificate.ends is not None:
        surroundings.certificate_seen(certificate.ends)
    return certificate.detail


async def meet(
    client: MailClient,
    peer: Peer,
    way: Way,
    tls: MailTls,
    context: ssl.SSLContext,
    narrator: Narrator,
    judge: Callable[[TlsLayer], str],
) -> None:
    """Connect and encrypt, in the order that the kind of TLS has. `judge` looks at the certificate before anything else
    is said, and returns what to tell of it."""
    connected = await way.connect(peer, narrator)
    if tls is not MailTls.IMPLICIT:
        with narrator.step("greeting") as note:
            note.detail = await client.greet(connected, None)
    with narrator.step("identity") as note:
        match tls:
            case MailTls.IMPLICIT:
                greeting = await client.greet(connected, context)
                note.detail = f"{judge(client.certificate)}; {greeting}"
            case MailTls.STARTTLS:
                await client.start_tls(context)
                note.detail = judge(client.certificate)
            case MailTls.NONE:
                note.detail = NOT_ENCRYPTED


async def identify_mail_server(connection: Connection, way: Way, make_client: Callable[[Peer], MailClient]) -> Identity:
    """See `identify_by_certificate`. The way is closed afterwards. Raises TransferFailed (config) where there is no
    certificate."""
    endpoint, peer = mail_endpoint(connection)
    if endpoint.tls is MailTls.NONE:
        raise TransferFailed(
            FailureClass.CONFIG,
            f"The connection to {peer} is not encrypted, so there is no certificate to look at.",
            remedy="Set tls = starttls or tls = implicit in the connection.",
        )

    async def shown(context: ssl.SSLContext) -> bytes:
        client = make_client(peer)
        try:
            await meet(client, peer, way, endpoint.tls, context, SILENT, lambda _: "")
            return client.certificate.getpeercert(binary_form=True) or b""
        finally:
            await client.close()

    try:
        return await identify_by_certificate(shown, endpoint.ca_file, endpoint.fingerprint, str(peer))
    finally:
        await way.close()
