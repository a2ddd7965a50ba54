"""What is said to an FTP server over a control connection, and the data connection that belongs to it.

Servers begin the TLS handshake of a data connection when they have read the transfer command, and answer the command
before the handshake (as in the examples of RFC 4217, section 12) or after it. So the handshake and the answer are
awaited together. Data connections resume the TLS session of the control connection, go to the very address the control
connection goes to, and show the same certificate.
"""

import re
import select
import socket
import ssl
from collections.abc import Callable

from tui.methods.ftp_control import ControlConnection, NotFtp, Refused, Reply
from tui.methods.ftp_data import DataConnection, DataThread
from tui.methods.right_of_way import right_of_way

_VERDICT_WAIT = 3.0
"""Seconds for the server to say why a data connection broke."""
_GROWN = 4 * 1024 * 1024
"""Bytes that a small file may have grown by since it was listed."""
_EPSV = re.compile(r"\((.)\1\1(\d{1,5})\1\)", re.ASCII)
"""RFC 2428, section 3."""
_PASV = re.compile(r"(?<!\d)(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})(?!\d)", re.ASCII)
"""Looked for anywhere in the answer, with or without parentheses (RFC 1123, section 4.1.2.6)."""


class Dialogue:
    """One control connection and at most one transfer at a time, for use in one thread. Any error but Refused and
    Unsendable is its end. `inspect` is called with the TLS layer of every connection."""

    def __init__(
        self,
        connected: socket.socket,
        encoding: str,
        thread: DataThread,
        inspect: Callable[[ssl.SSLSocket], object],
        reach: Callable[[int], socket.socket] | None = None,
    ) -> None:
        """`reach` makes data connections to a port of the server, where there is a way of its own to it."""
        self.control = ControlConnection(connected, encoding)
        self._thread = thread
        self._inspect = inspect
        self._reach = reach
        self._data: DataConnection | None = None
        self._session: ssl.SSLSession | None = None
        """Of the control connection, for data connections to resume."""
        self._passive_command = "EPSV"
        self._broken = False
        self.data_tls: str | None = None
        """Of the latest data connection: TLS version and whether the session was resumed. None without TLS."""
        self.announced: str | None = None
        """The address that PASV named last, where it is not the one that data connections go to."""

    def encrypt(self, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
        """Begin TLS on the control connection and have the peer inspected."""
        tls = self.control.encrypt(context, host)
        self._inspect(tls)
        return tls

    # Whole small files

    def fetch(self, file: tuple[str, int], heard: Callable[[], None]) -> bytes:
        """The bytes of a file of this name that has about this size. Raises Refused, NotFtp."""
        name, size = file
        right_of_way.give()
        data = self.begin(f"RETR {name}")
        try:
            content = data.take(size + _GROWN, heard)
        except OSError as error:
            raise self.explained(error) from error
        if content is None:
            raise NotFtp(f"sent more than {size + _GROWN} bytes of a file of {size}")
        self.conclude(data)
        return content

    def store(self, file: tuple[str, bytes], heard: Callable[[], None]) -> None:
        """Store a file under this name. Raises Refused, NotFtp."""
        name, content = file
        data = self.begin(f"STOR {name}")
        try:
            data.give(content, heard)
        except OSError as error:
            raise self.explained(error) from error
        self.conclude(data)

    # Transfers

    def begin(self, command: str, offset: int = 0) -> DataConnection:
        """Start a transfer with its command, such as `RETR name`, at an offset (REST, RFC 3659 section 5). Raises
        Refused when the server will not."""
        data = self._connected()
        try:
            if offset:
                self.control.demand(f"REST {offset}", "350")
            self.control.send(command)
            self._open(data)
        except BaseException:
            data.close()
            raise
        return data

    def _connected(self) -> DataConnection:
        port = self._passive_port()
        connection = self._reach(port) if self._reach else socket.socket(self.control.family, socket.SOCK_STREAM)
        self._data = data = DataConnection(connection, self._thread)
        if self._broken:
            data.close()
            raise ConnectionAbortedError("the connection was dropped")
        if not self._reach:
            # To the very address of the control connection: neither to the one that PASV says (RFC 2577, section 3) nor
            # to what the host name stands for, which may be several machines.
            host, _, *rest = self.control.address
            data.connect((host, port, *rest))
        return data

    def _open(self, data: DataConnection) -> None:
        control = self.control.tls
        if control is None:
            _accept(self.control.reply())
            return
        if self._session is None:
            # Not earlier: with TLS 1.3 it becomes resumable only some time after the handshake.
            self._session = control.session
        data.encrypt(control.context, self._session, control.server_hostname)
        try:
            answer = self._listening(lambda: data.shake_hands(wait=False))
            _accept(answer or self.control.reply())
            if answer is not None:
                data.shake_hands(wait=True)
        except ssl.SSLCertVerificationError:
            raise
        except OSError as error:
            raise self.explained(error) from error
        assert data.tls is not None  # noqa: S101 - the handshake is done
        self._inspect(data.tls)
        self.data_tls = f"{data.tls.version()}, session {'resumed' if data.tls.session_reused else 'new'}"

    def _listening(self, step: Callable[[], None]) -> Reply | None:
        """Do what has to be done with TLS on the data connection, and None is the answer; or the server's answer on the
        control connection, if that comes first."""
        assert self._data is not None  # noqa: S101 - of no other is it asked
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        while True:
            try:
                step()
            except ssl.SSLWantReadError:
                poll.register(self._data, select.POLLIN)
            except ssl.SSLWantWriteError:
                poll.register(self._data, select.POLLOUT)
            else:
                return None
            if self.control.has_unread or any(ready == self.control.fileno() for ready, _ in poll.poll()):
                return self.control.reply()

    def conclude(self, data: DataConnection) -> None:
        """Close the data connection properly, which is what tells the server that the file is complete, and read the
        server's confirmation. Raises Refused when it says that the transfer failed."""
        answer = self._listening(data.part)
        # Whether or not the peer agrees soon to end TLS: what it thinks of the transfer is known.
        data.close()
        if answer is None or answer.preliminary:
            answer = self.control.final()
        if not answer.positive:
            raise Refused(answer)

    def explained(self, error: OSError) -> Exception:
        """Why a transfer broke: servers that stop in the middle close the data connection first and say so afterwards.
        The error itself where they say nothing, or confirm what broke, as they may well."""
        if self._data is not None:
            self._data.close()
        try:
            reply = self.control.final(within=_VERDICT_WAIT)
        except (OSError, NotFtp):
            return error
        return error if reply.positive else Refused(reply)

    def _passive_port(self) -> int:
        """Where the server waits for the next data connection. Raises Refused, NotFtp."""
        reply = self.control.exchange(self._passive_command)
        if self._passive_command == "EPSV" and not reply.positive:
            self._passive_command = "PASV"
            reply = self.control.exchange("PASV")
        if not reply.positive:
            raise Refused(reply)
        port = self._extended_port(reply) if self._passive_command == "EPSV" else self._old_port(reply)
        if not 0 < port < 65536:
            raise NotFtp(f"named no port for data: “{reply.text}”")
        return port

    def _extended_port(self, reply: Reply) -> int:
        found = _EPSV.search(reply.text)
        return int(found[2]) if found else 0

    def _old_port(self, reply: Reply) -> int:
        found = _PASV.search(reply.text)
        if found is None:
            return 0
        *address, high, low = map(int, found.groups())
        named = ".".join(map(str, address))
        self.announced = named if named not in self.control.address else None
        return high * 256 + low if low < 256 else 0

    # End

    def break_off(self) -> None:
        """Drop all connections at once, so that the thread wakes up with an error. From the event loop, for good."""
        self._broken = True
        self.control.break_off()
        if self._data is not None:
            self._data.break_off()

    def close(self) -> None:
        """Free everything."""
        if self._data is not None:
            self._data.close()
        self.control.close()


def _accept(reply: Reply) -> None:
    if not reply.preliminary:
        raise Refused(reply)
