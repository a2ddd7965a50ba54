"""Sends the bytes of one file over an FTP data connection."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from tui.methods.blocks import Block
from tui.methods.ftps_client import DataChannel


class FtpWriter:
    """Takes the bytes of one upload. `talking` translates what goes wrong."""

    def __init__(
        self,
        channel: DataChannel,
        talking: Callable[[], AbstractContextManager[None]],
        alive: Callable[[], None],
        kept: int,
    ) -> None:
        self._channel = channel
        self._talking = talking
        self._alive = alive
        self.stored = kept
        """Bytes sent. FTP acknowledges none before the end; but as they arrive in order, what the server has of them is
        without a gap."""

    async def write(self, data: Block) -> None:
        with self._talking():
            await self._channel.write(data, self._alive)
        self.stored += len(data)
