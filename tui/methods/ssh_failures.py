"""What asyncssh and SFTP servers raise, as failures that say what happened and where."""

from dataclasses import dataclass

import asyncssh

from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import network_failure

_NOT_FOUND = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPNotADirectory)
_PERMISSION = (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect, asyncssh.SFTPCannotDelete)
_SPACE = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)
_BROKEN = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.SFTPBadMessage)

_TOO_MANY_CONNECTIONS = 12
"""A reason to disconnect that the library has no class for (RFC 4253 section 11.1)."""


@dataclass(frozen=True, slots=True)
class _Meaning:
    failure_class: FailureClass
    sentence: str
    remedy: str | None = None


_CONNECTION_ERRORS: dict[type[asyncssh.Error], _Meaning] = {
    asyncssh.PermissionDenied: _Meaning(FailureClass.AUTH, "The login on the way to {where} was refused: {reason}."),
    asyncssh.HostKeyNotVerifiable: _Meaning(FailureClass.HOST_KEY, "The host key of {where} is not trusted: {reason}."),
    asyncssh.KeyExchangeFailed: _Meaning(
        FailureClass.REJECTED,
        "{where} and Wharf have no way of encryption in common: {reason}.",
        "Ask the partner which SSH algorithms the server offers; it may be too old.",
    ),
    asyncssh.ServiceNotAvailable: _Meaning(FailureClass.REFUSED, "{where} takes no logins now: {reason}."),
    asyncssh.ProtocolNotSupported: _Meaning(FailureClass.REJECTED, "{where} speaks another version of SSH: {reason}."),
    asyncssh.ChannelOpenError: _Meaning(FailureClass.REFUSED, "{where} opens no session: {reason}."),
}
_BROKEN_LINK = _Meaning(FailureClass.NETWORK, "The connection to {where} broke: {reason}.")
_BUSY_SERVER = _Meaning(FailureClass.REFUSED, "{where} has too many connections now: {reason}.")


def connection_failure(error: Exception, where: str) -> TransferFailed:
    """Translate what goes wrong with the SSH connection as a whole. `where` is such as `sftp.acme.example:22`."""
    match error:
        case TransferFailed():
            return error
        case asyncssh.DisconnectError(code=code) if code == _TOO_MANY_CONNECTIONS:
            meaning = _BUSY_SERVER
        case asyncssh.Error():
            meaning = _CONNECTION_ERRORS.get(type(error), _BROKEN_LINK)
        case OSError():
            return network_failure(error, where)
        case _:
            raise error
    # The parts are put in one by one: text from the server may contain braces.
    sentence = meaning.sentence.replace("{where}", where).replace("{reason}", _reason(error))
    return TransferFailed(meaning.failure_class, sentence, remedy=meaning.remedy)


def _reason(error: asyncssh.Error) -> str:
    return (error.reason or type(error).__name__).rstrip(".")


def request_failure(error: Exception, where: str, doing: str) -> TransferFailed:
    """Translate the refusal of one request. `doing` says what was tried, such as `Reading /out/a.csv`."""
    if not isinstance(error, asyncssh.SFTPError):
        return connection_failure(error, where)
    if isinstance(error, _BROKEN):
        return TransferFailed(
            FailureClass.NETWORK, f"{doing} failed: the connection to {where} broke: {_reason(error)}."
        )
    return TransferFailed(_class_of(error), f"{doing} failed: {where} says “{_reason(error)}”.")


def _class_of(error: asyncssh.SFTPError) -> FailureClass:
    if isinstance(error, _NOT_FOUND):
        return FailureClass.NOT_FOUND
    if isinstance(error, _PERMISSION):
        return FailureClass.PERMISSION
    return FailureClass.SPACE if isinstance(error, _SPACE) else FailureClass.REJECTED
