"""The form on a real terminal: every key arrives, and a password that is typed is never written back."""

from pathlib import Path

from tests.pty.terminal import wharf_on_terminal
from tui.paths import Paths
from tui.store.sqlite import SqliteStore
from tui.trust.vault import Vault

DOWN, RIGHT, CTRL_S = b"\x1b[B", b"\x1b[C", b"\x13"
SECRET = b"correct-horse-7"


async def test_a_connection_is_created_by_typing(paths: Paths, tmp_path: Path) -> None:
    with wharf_on_terminal() as terminal:
        before = terminal.modes
        terminal.wait_for(b"No connections yet")
        terminal.type(b"n")
        # ctrl+s would stop a terminal in its usual mode; here it saves, and is refused.
        terminal.type(CTRL_S)
        place = terminal.wait_for(b"Name is missing")
        terminal.type(b"acme" + DOWN * 2 + RIGHT + DOWN * 2)
        terminal.type(b"sftp.acme.example" + DOWN * 2 + b"wharf" + DOWN * 2 + SECRET)
        terminal.wait_for("•".encode() * len(SECRET), since=place)
        terminal.type(CTRL_S)
        terminal.wait_for(b"Local folder is missing", since=place)
        terminal.type(str(tmp_path).encode() + CTRL_S)
        terminal.wait_for(b"1 connection", since=place)
        terminal.type(b"q")
        assert terminal.end() == 0
        assert terminal.modes == before
        assert SECRET not in terminal.seen
        assert SECRET[:4] not in terminal.seen
    store = SqliteStore(paths.database)
    await store.open()
    (connection,) = await store.connections()
    await store.close()
    assert connection.address == "sftp://wharf@sftp.acme.example:22/."
    assert (connection.direction, connection.local_dir) == ("outbound", str(tmp_path))
    assert connection.endpoint.secret == "vault:acme-sftp"
    assert Vault(paths.vault, paths.vault_key).get("acme-sftp") == SECRET.decode()
