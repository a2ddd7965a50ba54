"""The certificate that an FTP server shows, looked at without logging in."""

import asyncio
import ssl

from tui.domain.connection import Connection
from tui.domain.endpoint import FtpEndpoint
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.terms import FtpTls
from tui.methods.base import Surroundings
from tui.methods.ftp_login import greeting, peer_of, place_of, start_tls, translated
from tui.methods.ftps_client import FtpsClient
from tui.methods.narration import SILENT
from tui.methods.route import find_way
from tui.methods.tls_identity import identify_by_certificate
from tui.trust.identity import Identity


async def identify(connection: Connection, surroundings: Surroundings) -> Identity:
    """Fetch the server's certificate and judge it, without logging in. Raises TransferFailed."""
    endpoint = connection.endpoint
    assert isinstance(endpoint, FtpEndpoint)  # noqa: S101 - the model's method says so
    where = place_of(endpoint)
    if endpoint.tls is FtpTls.NONE:
        raise TransferFailed(
            FailureClass.CONFIG,
            f"{connection.name} uses FTP without TLS: the server shows nothing that could be trusted.",
            remedy='Set tls = "explicit" or "implicit" in the connection.',
        )

    async def meet(context: ssl.SSLContext) -> bytes:
        client = FtpsClient(lambda _: None, find_way(connection, surroundings))
        try:
            with translated("Asking for the certificate", where):
                async with asyncio.timeout(connection.stall_timeout):
                    await client.reach(peer_of(connection), SILENT)
                    if endpoint.tls is FtpTls.EXPLICIT:
                        await greeting(client)
                    tls = await start_tls(client, endpoint, context)
                    return tls.getpeercert(binary_form=True) or b""
        finally:
            client.drop()

    return await identify_by_certificate(meet, endpoint.ca_file, endpoint.fingerprint, where)
