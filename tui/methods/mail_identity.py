"""Who a mail server is: what SMTP and IMAP have in common about certificates."""

import ssl
from collections.abc import Awaitable, Callable

from tui.domain.connection import Connection
from tui.domain.endpoint import EmailEndpoint
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.terms import MailTls
from tui.methods.base import Surroundings
from tui.methods.dial import Peer
from tui.methods.tls_identity import identify_by_certificate
from tui.trust.identity import Identity
from tui.trust.tls import client_context, trusted_certificate

NOT_ENCRYPTED = "not encrypted: whoever is in between can read all of it, and nobody has proved who answers"


def mail_endpoint(connection: Connection) -> tuple[EmailEndpoint, Peer]:
    """The endpoint of an email connection and the server that it names."""
    endpoint = connection.endpoint
    assert isinstance(endpoint, EmailEndpoint)  # noqa: S101 - the caller has looked at the method
    return endpoint, Peer(endpoint.host, connection.port, connection.stall_timeout)


def trusting_context(endpoint: EmailEndpoint) -> ssl.SSLContext:
    """What the connection trusts. Reads files. Raises TransferFailed (config)."""
    return client_context(endpoint.ca_file, endpoint.fingerprint)


def check_certificate(
    shown: ssl.SSLObject | ssl.SSLSocket, endpoint: EmailEndpoint, peer: Peer, surroundings: Surroundings
) -> str:
    """Compare the pin, if there is one; the CA was checked in the handshake. Returns what to tell of the server.
    Raises TransferFailed (tls)."""
    certificate = trusted_certificate(shown, endpoint.fingerprint, str(peer))
    if certificate.ends is not None:
        surroundings.certificate_seen(certificate.ends)
    return certificate.detail


async def identify_mail_server(connection: Connection, meet: Callable[[ssl.SSLContext], Awaitable[bytes]]) -> Identity:
    """See `identify_by_certificate`. Raises TransferFailed (config) where there is no certificate."""
    endpoint, peer = mail_endpoint(connection)
    if endpoint.tls is MailTls.NONE:
        raise TransferFailed(
            FailureClass.CONFIG,
            f"The connection to {peer} is not encrypted, so there is no certificate to look at.",
            remedy="Set tls = starttls or tls = implicit in the connection.",
        )
    return await identify_by_certificate(meet, endpoint.ca_file, endpoint.fingerprint, str(peer))
