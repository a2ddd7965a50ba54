"""What becomes of a delivered file at its source."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.methods.sftp_support import Stage, connection, over_key
from tests.servers.openssh import OpenSsh
from tui.methods.after_action import ChangedMeanwhile, LeftAside
from tui.methods.base import Each, Entry
from tui.methods.sftp import SftpSession
from tui.methods.sftp_client import SftpClient
from tui.methods.sftp_places import SftpPlaces


class TestAfterwards:
    async def settle(self, server: OpenSsh, stage: Stage, folder: Path, **change: str) -> None:
        session = SftpSession(connection(**over_key(server, folder), change=change), stage.surroundings)
        await session.open()
        [entry] = await session.list_files()
        await session.settle(entry)
        await session.close()

    async def test_keep(self, server: OpenSsh, stage: Stage, folder: Path) -> None:
        folder.mkdir()
        (folder / "a.csv").touch()
        await self.settle(server, stage, folder, after="keep")
        assert (folder / "a.csv").exists()

    async def test_delete(self, server: OpenSsh, stage: Stage, folder: Path) -> None:
        folder.mkdir()
        (folder / "a.csv").touch()
        await self.settle(server, stage, folder, after="delete")
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize("absolute", [False, True])
    async def test_move_makes_the_folder(self, server: OpenSsh, stage: Stage, folder: Path, absolute: bool) -> None:
        folder.mkdir()
        (folder / "a.csv").write_bytes(b"content")
        done = folder.parent / "done" if absolute else folder / "done"
        await self.settle(server, stage, folder, after="move", move_to=str(done) if absolute else "done")
        assert not (folder / "a.csv").exists()
        assert (done / "a.csv").read_bytes() == b"content"

    async def test_move_overwrites_nothing(self, server: OpenSsh, stage: Stage, folder: Path) -> None:
        (folder / "done").mkdir(parents=True)
        (folder / "done" / "a.csv").write_bytes(b"first")
        (folder / "done" / "a-2.csv").symlink_to("nowhere")
        (folder / "a.csv").write_bytes(b"third")
        await self.settle(server, stage, folder, after="move", move_to="done")
        assert (folder / "done" / "a.csv").read_bytes() == b"first"
        assert (folder / "done" / "a-3.csv").read_bytes() == b"third"

    async def test_move_to_a_folder_that_another_session_makes_meanwhile(
        self, server: OpenSsh, stage: Stage, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder.mkdir()
        (folder / "a.csv").write_bytes(b"content")
        make = SftpClient.mkdir

        async def make_late(client: SftpClient, path: str) -> None:
            (folder / "done").mkdir()
            await make(client, path)

        monkeypatch.setattr(SftpClient, "mkdir", make_late)
        await self.settle(server, stage, folder, after="move", move_to="done")
        assert (folder / "done" / "a.csv").read_bytes() == b"content"

    @pytest.mark.parametrize("change", [{"after": "delete"}, {"after": "move", "move_to": "done"}], ids=str)
    @pytest.mark.parametrize("name_is_taken", [False, True])
    async def test_what_has_changed_since_the_last_look_is_put_back(
        self,
        server: OpenSsh,
        stage: Stage,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        change: dict[str, str],
        name_is_taken: bool,
    ) -> None:
        folder.mkdir()
        (folder / "a.csv").write_bytes(b"delivered")
        session = SftpSession(connection(**over_key(server, folder), change=change), stage.surroundings)
        await session.open()
        [entry] = await session.list_files()
        (folder / "a.csv").write_bytes(b"changed, of another size")
        if name_is_taken:
            look_each = SftpPlaces.look_each

            async def look_late(places: SftpPlaces, entries: Sequence[Entry]) -> Each[Entry | None]:
                (folder / "a.csv").write_bytes(b"the next one")
                return await look_each(places, entries)

            monkeypatch.setattr(SftpPlaces, "look_each", look_late)
        with pytest.raises(LeftAside if name_is_taken else ChangedMeanwhile):
            await session.settle(entry)
        await session.close()
        changed = {"a.csv.wharf-gone": b"changed, of another size", "a.csv": b"the next one"}
        found = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert found == (changed if name_is_taken else {"a.csv": b"changed, of another size"})
