"""TLS to partners: contexts, pinned certificates, and certificates in words."""

import base64
import hashlib
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.text import printable
from tui.paths import expanded
from tui.trust.certificate import read_certificate

UNREADABLE = "a certificate that cannot be read"


def client_context(ca_file: str | None, fingerprint: str | None) -> ssl.SSLContext:
    """A context for a client: TLS 1.2 or newer, certificate and host name verified against the CA file, or against the
    system's CAs without one.

    With a fingerprint the pin takes the place of the CA: the handshake accepts any certificate, and `check_pin` must
    follow before anything is sent. Reads files. Raises TransferFailed (config) when the CA file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if fingerprint is not None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca_file is not None:
        _trust_only(context, expanded(ca_file))
    else:
        context.load_default_certs()
    return context


def _trust_only(context: ssl.SSLContext, ca_file: Path) -> None:
    try:
        context.load_verify_locations(cafile=ca_file)
    except ssl.SSLError as error:
        raise TransferFailed(
            FailureClass.CONFIG,
            f"The CA file {ca_file} holds no certificate that can be read.",
            remedy="Name a file with CA certificates in PEM form as ca_file of the connection.",
        ) from error
    except OSError as error:
        raise TransferFailed(
            FailureClass.CONFIG,
            f"The CA file {ca_file} cannot be read: {error.strerror or error}.",
            remedy="Correct ca_file of the connection.",
        ) from error


def certificate_fingerprint(der: bytes) -> str:
    """`SHA256:` and the base64 of the digest of the DER form, without padding: as OpenSSH writes those of keys."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")


def check_pin(ssl_object: ssl.SSLObject | ssl.SSLSocket, fingerprint: str | None, where: str) -> str:
    """The fingerprint of the peer's certificate. With a pin it must be equal. Raises TransferFailed (tls).

    `where` names the peer, such as `ftp.acme.example:21`.
    """
    der = ssl_object.getpeercert(binary_form=True)
    if not der:
        raise TransferFailed(FailureClass.TLS, f"{where} has shown no certificate.")
    found = certificate_fingerprint(der)
    if fingerprint is not None and found != fingerprint.rstrip("="):
        raise TransferFailed(
            FailureClass.TLS,
            f"{where} has shown another certificate than the pinned one: {found} instead of {fingerprint} "
            f"({describe_certificate(der)}).",
            remedy=(
                "Ask the partner by another channel whether the certificate was renewed; if so, put the new "
                "fingerprint into the connection. If not, somebody may be in between."
            ),
        )
    return found


@dataclass(frozen=True, slots=True)
class TrustedCertificate:
    """A certificate that was found to be trusted: what to tell of it, and when it ends, as far as it can be read."""

    detail: str
    ends: datetime | None


def trusted_certificate(
    ssl_object: ssl.SSLObject | ssl.SSLSocket, fingerprint: str | None, where: str
) -> TrustedCertificate:
    """Compare the pin, if there is one; a CA was asked in the handshake already. Raises TransferFailed (tls)."""
    found = check_pin(ssl_object, fingerprint, where)
    facts = read_certificate(ssl_object.getpeercert(binary_form=True) or b"")
    why = "signed by a trusted CA" if fingerprint is None else "pinned in the connection"
    return TrustedCertificate(
        f"{ssl_object.version()}, {facts or UNREADABLE}, {found}, {why}", None if facts is None else facts.ends
    )


def describe_certificate(der: bytes) -> str:
    """Subject, issuer, names and validity of a certificate, for people, on one printable line."""
    return printable(str(read_certificate(der) or UNREADABLE), 400)
