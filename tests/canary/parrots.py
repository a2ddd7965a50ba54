"""Servers that repeat what they are told: in the greeting of the next session, in refusals, in errors after a login."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import asyncssh

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class Memory:
    """What a parrot has heard, in all sessions."""

    def __init__(self, *, lets_in: bool = False) -> None:
        self.lets_in = lets_in
        """Whether it takes every login, and repeats only afterwards."""
        self.heard: list[str] = []

    def hear(self, text: str) -> None:
        self.heard.append(text)

    def __str__(self) -> str:
        """The last of it, in the forms in which programs quote."""
        last = self.heard[-1] if self.heard else "nothing yet"
        return f"{last} | {quote(last, safe='')} | {base64.b64encode(last.encode()).decode()}"


def ftp(memory: Memory) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"220 hello again: {memory}\r\n".encode())
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            verb, _, argument = line.partition(" ")
            if verb == "PASS":
                memory.hear(argument)
                code = 230 if memory.lets_in else 530
                writer.write(f"{code} {line} you say: {memory}\r\n".encode())
            elif verb == "USER":
                writer.write(b"331 go on\r\n")
            else:
                writer.write(f"550 {line}: no, {memory}\r\n".encode())

    return talk


def smtp(memory: Memory) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"220 hello again: {memory}\r\n".encode())
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            verb, _, argument = line.partition(" ")
            if verb == "EHLO":
                writer.write(b"250-hello\r\n250 AUTH PLAIN XOAUTH2\r\n")
            elif verb == "AUTH":
                encoded = argument.split()[-1]
                memory.hear(base64.b64decode(encoded).decode().replace("\0", " ").replace("\1", " "))
                code = 235 if memory.lets_in else 535
                writer.write(f"{code} {argument} you say: {memory}\r\n".encode())
            else:
                writer.write(f"550 {line}: no, {memory}\r\n".encode())

    return talk


def imap(memory: Memory) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"* OK hello again: {memory}\r\n".encode())
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            tag, verb, *_ = line.split()
            if verb == "CAPABILITY":
                writer.write(f"* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2\r\n{tag} OK done\r\n".encode())
            elif verb == "AUTHENTICATE":
                writer.write(b"+ \r\n")
                encoded = (await reader.readline()).decode().strip()
                memory.hear(base64.b64decode(encoded).decode().replace("\0", " ").replace("\1", " "))
                answer = "OK" if memory.lets_in else "NO [AUTHENTICATIONFAILED]"
                writer.write(f"{tag} {answer} {encoded} you say: {memory}\r\n".encode())
            else:
                writer.write(f"{tag} NO {line}: {memory}\r\n".encode())

    return talk


class _SshParrot(asyncssh.SSHServer):
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._link = conn

    def begin_auth(self, username: str) -> bool:
        self._link.send_auth_banner(f"hello {username} again: {self._memory}\n")
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._memory.hear(password)
        if self._memory.lets_in:
            return True
        raise asyncssh.PermissionDenied(f"{username}, you say: {self._memory}")


class _Shelf(asyncssh.SFTPServer):
    memory: Memory

    def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        raise asyncssh.SFTPFailure(f"no, {self.memory}")

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        raise asyncssh.SFTPPermissionDenied(f"no, {self.memory}")

    lstat = stat
    realpath = stat  # type: ignore[assignment]  # it only refuses


@asynccontextmanager
async def sftp(memory: Memory) -> AsyncIterator[tuple[int, str]]:
    """Its port and the fingerprint of its key."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    shelf = type("Shelf", (_Shelf,), {"memory": memory})
    server = await asyncssh.create_server(
        lambda: _SshParrot(memory), "127.0.0.1", 0, server_host_keys=[key], sftp_factory=shelf
    )
    try:
        yield server.get_port(), key.get_fingerprint()
    finally:
        server.close()
        await server.wait_closed()
