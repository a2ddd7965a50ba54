"""The certificate of a server, looked at without trusting it, and judged."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from tui.domain.failure import TransferFailed
from tui.methods.failures import why_refused
from tui.trust.certificate import read_certificate
from tui.trust.identity import Doubt, Identity, Trusted
from tui.trust.tls import certificate_fingerprint, client_context

_ANY = "any"
"""Any pin at all makes a context that accepts every certificate; this one is never compared."""


async def identify_by_certificate(
    meet: Callable[[ssl.SSLContext], Awaitable[bytes]], ca_file: str | None, pin: str | None, where: str
) -> Identity:
    """`meet` connects with the context given, hangs up, and returns the certificate in DER form. One that does not pass
    is met a second time, by a context that takes any, because OpenSSL shows none that it has refused. Raises
    TransferFailed.
    """
    doubt: Doubt | None
    try:
        certificate = await meet(await asyncio.to_thread(client_context, ca_file, pin))
    except TransferFailed as error:
        refused = _verification_error(error)
        if refused is None:
            raise
        certificate = await meet(client_context(None, _ANY))
        doubt, reason = Doubt.UNKNOWN, why_refused(refused)
    else:
        doubt, reason = _verdict(certificate, pin)
    return Identity(
        where,
        "certificate",
        certificate_fingerprint(certificate),
        reason,
        doubt,
        known=(Trusted(pin, "the connection, as fingerprint"),) if pin and doubt is Doubt.CHANGED else (),
        by_pin=pin is not None,
        certificate=read_certificate(certificate),
    )


def _verdict(certificate: bytes, pin: str | None) -> tuple[Doubt | None, str]:
    """Of a certificate that has passed: by its CA, or because a pin lets every one pass."""
    if pin is None:
        return None, "signed by a trusted CA"
    if certificate_fingerprint(certificate) == pin.rstrip("="):
        return None, "pinned in the connection"
    return Doubt.CHANGED, "not the pinned one"


def _verification_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """The refusal of a certificate that a failure goes back to, if it does."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__
    return error
