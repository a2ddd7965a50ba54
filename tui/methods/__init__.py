"""Methods: SFTP, FTP and Email behind the interface of `base`. A library is imported when its method is used."""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from tui.domain.terms import Direction, Method

if TYPE_CHECKING:
    from tui.domain.connection import Connection
    from tui.methods.base import Source, Surroundings, Target
    from tui.trust.identity import Identity


async def load(connection: "Connection") -> None:
    """Import what the connection's method needs. That is work of tenths of a second, which a thread does beside the
    event loop; whoever uses the method afterwards finds it done."""
    match connection.method, connection.direction:
        case Method.SFTP, _:
            module = "tui.methods.sftp"
        case Method.FTP, _:
            module = "tui.methods.ftp"
        case Method.EMAIL, Direction.INBOUND:
            module = "tui.methods.imap"
        case _:
            module = "tui.methods.smtp"
    await asyncio.to_thread(_import, module)


def _import(module: str) -> None:
    from tui.methods.library_search import quick_search

    with quick_search():
        import_module(module)


def make_sides(connection: "Connection", surroundings: "Surroundings") -> "tuple[Source, Target]":
    """The two sides of a run, not opened yet: the partner's and the local folder, as the direction has them."""
    from tui.methods.folder import LocalFolder

    folder = LocalFolder(connection, surroundings)
    match connection.method, connection.direction:
        case Method.SFTP, direction:
            from tui.methods.sftp import SftpSession

            sftp = SftpSession(connection, surroundings)
            return (sftp, folder) if direction is Direction.INBOUND else (folder, sftp)
        case Method.FTP, direction:
            from tui.methods.ftp import FtpSession

            ftp = FtpSession(connection, surroundings)
            return (ftp, folder) if direction is Direction.INBOUND else (folder, ftp)
        case Method.EMAIL, Direction.INBOUND:
            from tui.methods.imap import ImapSession

            return ImapSession(connection, surroundings), folder
        case _:
            from tui.methods.smtp import SmtpSession

            return folder, SmtpSession(connection, surroundings)


async def identify(connection: "Connection", surroundings: "Surroundings") -> "Identity":
    """Fetch the server's key or certificate and judge it, without logging in. Where a jump host on the way is not
    trusted, it is the one that must be judged first. Raises TransferFailed."""
    from tui.trust.identity import NotTrusted

    await load(connection)
    try:
        return await _identify(connection, surroundings)
    except NotTrusted as error:
        return error.identity


async def _identify(connection: "Connection", surroundings: "Surroundings") -> "Identity":
    match connection.method, connection.direction:
        case Method.SFTP, _:
            from tui.methods import sftp

            return await sftp.identify(connection, surroundings)
        case Method.FTP, _:
            from tui.methods import ftp

            return await ftp.identify(connection, surroundings)
        case Method.EMAIL, Direction.INBOUND:
            from tui.methods import imap

            return await imap.identify(connection, surroundings)
        case _:
            from tui.methods import smtp

            return await smtp.identify(connection, surroundings)
