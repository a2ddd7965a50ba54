"""The certificate that an FTP server shows, fetched without trusting it."""

import asyncio

from tui.domain.connection import Connection
from tui.domain.endpoint import FtpEndpoint, FtpTls
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import Identity
from tui.methods.ftp_login import greeting, place_of, start_tls, translated
from tui.methods.ftps_client import FtpsClient
from tui.trust.tls import check_pin, client_context, describe_certificate


async def identify(connection: Connection) -> Identity:
    """Fetch the server's certificate without trusting it and without logging in. Raises TransferFailed."""
    endpoint = connection.endpoint
    assert isinstance(endpoint, FtpEndpoint)  # noqa: S101 - the model's method says so
    where = place_of(endpoint)
    if endpoint.tls is FtpTls.NONE:
        raise TransferFailed(
            FailureClass.CONFIG,
            f"{connection.name} uses FTP without TLS: the server shows nothing that could be trusted.",
            remedy='Set tls = "explicit" or "implicit" in the connection.',
        )
    # Any pin at all makes a context that accepts every certificate.
    context = client_context(None, fingerprint="unknown yet")
    client = FtpsClient(lambda _: None)
    try:
        with translated("Asking for the certificate", where):
            async with asyncio.timeout(connection.stall_timeout):
                await client.reach(endpoint.host, endpoint.resolved_port)
                if endpoint.tls is FtpTls.EXPLICIT:
                    await greeting(client)
                tls = await start_tls(client, endpoint, context)
    finally:
        client.drop()
    fingerprint = check_pin(tls, None, where)
    return Identity("certificate", fingerprint, describe_certificate(tls.getpeercert(binary_form=True) or b""))
