"""Who a mail server is: what SMTP and IMAP have in common about certificates."""

import ssl

from tui.domain.connection import Connection
from tui.domain.endpoint import EmailEndpoint, MailTls
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import Identity, Narrator
from tui.methods.dial import Peer
from tui.trust.tls import check_pin, client_context, describe_certificate

SILENT = Narrator(lambda _: None)

NOT_ENCRYPTED = "not encrypted: whoever is in between can read all of it, and nobody has proved who answers"


def mail_endpoint(connection: Connection) -> tuple[EmailEndpoint, Peer]:
    """The endpoint of an email connection and the server that it names."""
    endpoint = connection.endpoint
    assert isinstance(endpoint, EmailEndpoint)  # noqa: S101 - the caller has looked at the method
    return endpoint, Peer(endpoint.host, connection.port, connection.stall_timeout)


def trusting_context(endpoint: EmailEndpoint) -> ssl.SSLContext:
    """What the connection trusts. Reads files. Raises TransferFailed (config)."""
    return client_context(endpoint.ca_file, endpoint.fingerprint)


def curious_context(endpoint: EmailEndpoint, peer: Peer) -> ssl.SSLContext:
    """Accepts any certificate, to look at it and hang up. Raises TransferFailed (config) where there is none."""
    if endpoint.tls is MailTls.NONE:
        raise TransferFailed(
            FailureClass.CONFIG,
            f"The connection to {peer} is not encrypted, so there is no certificate to look at.",
            remedy="Set tls = starttls or tls = implicit in the connection.",
        )
    # Any pin switches the verification by CA off; it is never compared.
    return client_context(None, "")


def check_certificate(shown: ssl.SSLObject | ssl.SSLSocket, endpoint: EmailEndpoint, peer: Peer) -> str:
    """Compare the pin, if there is one; the CA was checked in the handshake. Returns what to tell of the server.
    Raises TransferFailed (tls)."""
    fingerprint = check_pin(shown, endpoint.fingerprint, str(peer))
    how = "as pinned" if endpoint.fingerprint else "signed by a trusted CA"
    return f"{shown.version()}, certificate {fingerprint}, {how}"


def shown_identity(shown: ssl.SSLObject | ssl.SSLSocket, peer: Peer) -> Identity:
    """The certificate of the server, not judged. Raises TransferFailed (tls) when it has shown none."""
    fingerprint = check_pin(shown, None, str(peer))
    certificate = shown.getpeercert(binary_form=True) or b""
    return Identity("certificate", fingerprint, describe_certificate(certificate))
