"""Servers that do not stop, one per place at which a protocol lets them begin. Each is a talk over one connection."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]

_BLOCK = 64 * 1024


async def pour(writer: asyncio.StreamWriter, what: bytes) -> None:
    """The same, as fast as it is taken, until the other side hangs up."""
    block = what * (_BLOCK // len(what) + 1)
    while True:
        writer.write(block)
        await writer.drain()


def at_once(*, before: bytes = b"", endlessly: bytes) -> Talk:
    """Says something without being asked, and then does not stop."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(before)
        await pour(writer, endlessly)

    return talk


def smtp(*, at: bytes, before: bytes = b"", endlessly: bytes) -> Talk:
    """Behaves up to the command `at`."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            if line.upper().startswith(at):
                writer.write(before)
                await pour(writer, endlessly)
            writer.write(b"250-hello\r\n250 AUTH PLAIN\r\n" if line.startswith(b"EHLO") else b"235 yes\r\n")

    return talk


def imap(*, at: bytes, before: bytes = b"", endlessly: bytes = b"") -> Talk:
    """Behaves up to the command `at`. With nothing to say endlessly, `before` is all of its answer to that command."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK hello\r\n")
        while line := await reader.readline():
            tag, _, rest = line.partition(b" ")
            if rest.upper().startswith(at):
                writer.write(before)
                if endlessly:
                    await pour(writer, endlessly)
            elif rest.startswith(b"CAPABILITY"):
                writer.write(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n")
            elif rest.startswith(b"AUTHENTICATE"):
                writer.write(b"+ \r\n")
                await reader.readline()
            elif rest.startswith((b"SELECT", b"EXAMINE")):
                writer.write(b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] valid\r\n")
            writer.write(tag + b" OK done\r\n")
            await writer.drain()

    return talk


def ftp(*, at: bytes, before: bytes = b"", endlessly: bytes) -> Talk:
    """Behaves up to the command `at`; a listing comes over a data connection of its own and does not end."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def data(_: asyncio.StreamReader, flow: asyncio.StreamWriter) -> None:
            try:
                await pour(flow, endlessly)
            except ConnectionError:
                pass
            finally:
                flow.transport.abort()

        listening = await asyncio.start_server(data, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        answers = {
            b"USER": b"331 go on",
            b"PASS": b"230 yes",
            b"FEAT": b"211-these\r\n MLST type*;size*;modify*;\r\n EPSV\r\n211 end",
            b"EPSV": f"229 here (|||{port}|)".encode(),
            b"PWD": b'257 "/" is where you are',
            b"MLSD": b"150 it comes",
            b"LIST": b"150 it comes",
            b"TYPE": b"200 yes",
            b"CWD": b"250 yes",
        }
        writer.write(b"220 hello\r\n")
        try:
            while line := await reader.readline():
                if line.upper().startswith(at) and at not in (b"MLSD", b"LIST"):
                    writer.write(before)
                    await pour(writer, endlessly)
                writer.write(answers.get(line[:4].upper().strip(), b"502 what?") + b"\r\n")
        finally:
            listening.close()

    return talk
