"""A short way for the bytes of SFTP through asyncssh's connection, where it uses AES-GCM (RFC 5647).

The library copies each byte about ten times between the socket and the channel and makes a dozen objects of every
packet. For what moves files that costs more than the encryption. Here packets with data of channels that ask for it are
decrypted straight from where the socket has put them, and encrypted straight into what the socket sends; those that
widen the windows of these channels, of which some servers send as many, are dealt with here too. All others, and all
bytes while keys are exchanged, go the library's own way as they came. What the library must know afterwards is
set as it would set it itself: sequence numbers, counters of the cipher, windows, bytes since the last key exchange.

That takes attributes of the library that are not public: the tests hold it to what is expected of them here.
"""

import asyncio
from collections.abc import Iterable, Sequence
from os import urandom
from time import monotonic
from typing import cast

import asyncssh
from asyncssh.crypto.cipher import GCMCipher
from asyncssh.encryption import GCMEncryption
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Pieces = Sequence[bytes | memoryview]
"""The data of one packet."""

_BUFFER = 256 * 1024
"""Bytes taken from the socket at once; more than the longest packet that the library takes."""
_WINDOW_ADJUST = 93
_DATA = 94
"""SSH_MSG_CHANNEL_WINDOW_ADJUST and SSH_MSG_CHANNEL_DATA (RFC 4254, section 5.2)."""
_LENGTH = 4
"""Bytes that say how long the packet is; not encrypted, but authenticated."""
_TAG = 16
_BLOCK = 16
_LEAST_PADDING = 4
_BEFORE_DATA = 10
"""Bytes of a decrypted packet before its data: length of the padding, type, channel, length of the data. A packet that
widens the window has as many before its padding."""
_NOISE = 4096
"""Bytes of padding that the kernel is asked for at once: it is asked in the time of a packet otherwise."""


def transport_of(link: asyncssh.SSHClientConnection) -> asyncio.Transport | None:
    """What reads the socket of a connection; None once it is closed."""
    transport = link._transport
    return transport if isinstance(transport, asyncio.Transport) else None


def lane_of(link: asyncssh.SSHClientConnection) -> "Lane | None":
    """The lane of a connection that is logged in; None where its cipher has none."""
    transport = transport_of(link)
    if transport is None:
        return None
    protocol = transport.get_protocol()
    if isinstance(protocol, Lane):
        return protocol
    if not isinstance(link._recv_encryption, GCMEncryption) or not isinstance(link._send_encryption, GCMEncryption):
        return None
    lane = Lane(link, transport)
    transport.set_protocol(lane)
    return lane


class Lane(asyncio.BufferedProtocol):
    """Stands between the socket and the connection from the moment at which `lane_of` was asked for it."""

    def __init__(self, link: asyncssh.SSHClientConnection, transport: asyncio.Transport) -> None:
        self._link = link
        self._transport = transport
        self._channels: set[asyncssh.SSHClientChannel[bytes]] = set()
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0
        """Where in the buffer the bytes are that have not been used."""
        self._opening = _Cipher(None)
        self._sealing = _Cipher(None)
        self._noise = b""

    def add(self, channel: asyncssh.SSHClientChannel[bytes]) -> None:
        """Have data for this channel come this way: its session gets it as memoryviews."""
        self._channels.add(channel)

    def remove(self, channel: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channels.discard(channel)

    # Sending

    def room(self, channel: asyncssh.SSHClientChannel[bytes], before: int) -> int | None:
        """Bytes of data that the next packet may have, after so many bytes that will be written together with it; None
        where it has to go the library's way now."""
        link = self._link
        is_due = link._rekey_bytes_sent >= link._rekey_bytes or (
            link._rekey_seconds and monotonic() >= link._rekey_time
        )
        if is_due or not link._kex_complete or link._deferred_packets or link._compressor:
            return None
        if channel._send_buf or channel._send_state != "open":
            return None
        if not self._sealing.is_of(link._send_encryption):
            self._sealing = _Cipher(link._send_encryption)
        return min(channel._send_window - before, channel._send_pktsize) if self._sealing.aead else None

    def wait_for_room(self, channel: asyncssh.SSHClientChannel[bytes]) -> None:
        """Have the session told by `resume_writing` when there is room again."""
        channel._send_paused = True

    def write(self, channel: asyncssh.SSHClientChannel[bytes], packets: Iterable[Pieces]) -> None:
        """Send packets with data; each has as much as `room` said for it at most."""
        self._transport.write(b"".join([self._sealed(channel, pieces) for pieces in packets]))

    def _sealed(self, channel: asyncssh.SSHClientChannel[bytes], pieces: Pieces) -> bytearray:
        link = self._link
        size = sum(map(len, pieces))
        padding = -(_BEFORE_DATA + size) % _BLOCK
        if padding < _LEAST_PADDING:
            padding += _BLOCK
        length = _BEFORE_DATA + size + padding
        head = length.to_bytes(_LENGTH)
        assert channel._send_chan is not None  # noqa: S101 - it is open
        before = bytes((padding, _DATA)) + channel._send_chan.to_bytes(4) + size.to_bytes(4)
        sealed = bytearray(_LENGTH + length + _TAG)
        sealed[:_LENGTH] = head
        plain = b"".join((before, *pieces, self._padding(padding)))
        self._sealing.seal(plain, head, memoryview(sealed)[_LENGTH:])
        channel._send_window -= size
        link._send_seq = (link._send_seq + 1) & 0xFFFFFFFF
        link._rekey_bytes_sent += length
        return sealed

    def _padding(self, count: int) -> bytes:
        """Bytes that nobody can foretell, each used once."""
        if len(self._noise) < count:
            self._noise = urandom(_NOISE)
        padding, self._noise = self._noise[:count], self._noise[count:]
        return padding

    # Receiving

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._view[self._end :]

    def buffer_updated(self, nbytes: int) -> None:
        self._end += nbytes
        if self._is_aligned():
            self._take_packets()
        else:
            self._pass_on(self._end)
        self._move_to_front()

    def _take_packets(self) -> None:
        """Use up the packets that are there as a whole."""
        self._link._reset_keepalive_timer()
        while (count := self._packet_size()) and self._start + count <= self._end:
            if self._deliver(self._start + _LENGTH, self._start + count):
                self._start += count
            elif not self._pass_on(self._start + count):
                return

    def _packet_size(self) -> int:
        """Bytes of the packet that begins the buffer; 0 where that is not known yet. One that the buffer cannot hold
        is longer than the library takes: that it is ended for it is the library's matter."""
        if self._end - self._start < _LENGTH:
            return 0
        length = int.from_bytes(self._view[self._start : self._start + _LENGTH])
        return min(_LENGTH + length + _TAG, _BUFFER)

    def _deliver(self, start: int, end: int) -> bool:
        """Decrypt a packet and do what it says, if it is for a channel that asked for it; else nothing is done."""
        try:
            plain = self._opening.open(self._view[start:end], self._view[start - _LENGTH : start])
        except InvalidTag:
            return False
        if len(plain) < _BEFORE_DATA:
            return False
        channel = self._link._channels.get(int.from_bytes(plain[2:6]))
        if channel not in self._channels or channel._recv_state != "open" or channel._send_state != "open":
            return False
        number = int.from_bytes(plain[6:_BEFORE_DATA])
        content = len(plain) - _BEFORE_DATA - plain[0]
        if plain[1] == _DATA and content == number and 0 < number <= channel._recv_window and not channel._recv_paused:
            self._count()
            channel._recv_window -= number
            data = memoryview(plain)[_BEFORE_DATA : _BEFORE_DATA + number]
            channel._deliver_data(cast(bytes, data), None)
            return True
        if plain[1] == _WINDOW_ADJUST and content == 0:
            self._count()
            channel._send_window += number
            channel._flush_send_buf()
            return True
        return False

    def _count(self) -> None:
        """A packet was taken."""
        self._opening.count()
        self._link._recv_seq = (self._link._recv_seq + 1) & 0xFFFFFFFF

    def _pass_on(self, end: int) -> bool:
        """Give the library the bytes up to there, and all others if it is in the midst of something after them. Returns
        whether it is not."""
        while self._start < end:
            passed = bytes(self._view[self._start : end])
            self._start = end
            self._link.data_received(passed)
            if not self._is_aligned():
                end = self._end
        if self._link._transport is None:
            # What follows a packet that is not authentic is nothing either.
            self._start = self._end
            return False
        if not self._is_aligned():
            self._take_back()
            return False
        return True

    def _is_aligned(self) -> bool:
        """Whether the next byte for the library begins a packet that is encrypted as this lane knows it."""
        link = self._link
        if link._inpbuf or link._kex or link._recv_handler != link._recv_pkthdr or link._decompressor:
            return False
        if not self._opening.is_of(link._recv_encryption):
            self._opening = _Cipher(link._recv_encryption)
        return self._opening.aead is not None

    def _take_back(self) -> None:
        """Let the library forget the packet that has only begun, where it waits for nothing but the rest of it."""
        link = self._link
        if link._kex or link._recv_handler != link._recv_packet or not isinstance(link._recv_encryption, GCMEncryption):
            return
        begun = link._packet + link._inpbuf
        link._packet = link._inpbuf = b""
        link._recv_handler = link._recv_pkthdr
        self._buffer[: len(begun)] = begun
        self._start, self._end = 0, len(begun)

    def _move_to_front(self) -> None:
        left = self._end - self._start
        if self._start:
            self._buffer[:left] = self._view[self._start : self._end]
        self._start, self._end = 0, left

    # What else a connection is told by its socket

    def eof_received(self) -> None:
        self._link.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.connection_lost(exc)

    def pause_writing(self) -> None:
        self._link.pause_writing()

    def resume_writing(self) -> None:
        self._link.resume_writing()


class _Cipher:
    """The library's cipher for one direction, without a new key schedule for every packet."""

    def __init__(self, encryption: object) -> None:
        self._encryption = encryption
        self._cipher = cast(GCMCipher, getattr(encryption, "_cipher", None))
        self.aead = AESGCM(self._cipher._key) if isinstance(encryption, GCMEncryption) else None

    def is_of(self, encryption: object) -> bool:
        return self._encryption is encryption

    def open(self, sealed: memoryview, head: memoryview) -> bytes:
        """What was encrypted with the present counter. Raises InvalidTag."""
        assert self.aead is not None  # noqa: S101 - only asked where there is one
        return self.aead.decrypt(self._cipher._iv, sealed, head)

    def seal(self, plain: bytes, head: bytes, into: memoryview) -> None:
        assert self.aead is not None  # noqa: S101 - only asked where there is one
        self.aead.encrypt_into(self._cipher._iv, plain, head, into)
        self.count()

    def count(self) -> None:
        """The counter is used up."""
        self._cipher._update_iv()
