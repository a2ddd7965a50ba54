"""What is loaded when: nothing that the first frame does without before it, and nothing large on the event loop."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tui.domain.connection import Connection
from tui.paths import Paths
from tui.store.sqlite import SqliteStore

FIRST_FRAME = """
import asyncio, json, sys
from tui.console.app import WharfApp
from tui.engine import open_engine
from tui.paths import Paths

async def main():
    async with open_engine(Paths.from_environment()) as engine:
        app = WharfApp(engine)
        async with app.run_test(size=(120, 40)) as pilot:
            while "acme" not in app.export_screenshot():
                await pilot.pause()
            print(json.dumps(sorted(sys.modules)))

asyncio.run(main())
"""

RUN = """
import asyncio, json, sys, threading
from tui.engine import open_engine
from tui.paths import Paths

class Watching:
    def find_spec(self, name, path=None, target=None):
        seen.setdefault(name, threading.current_thread() is threading.main_thread())

seen = {}

async def main():
    async with open_engine(Paths.from_environment()) as engine:
        sys.meta_path.insert(0, Watching())
        run = await engine.start("acme")
        await engine.wait(run.run_id)

asyncio.run(main())
print(json.dumps(seen))
"""

SERVER = {"host": "127.0.0.1", "port": 1, "username": "u", "secret": "env:USER"}
MAIL = SERVER | {"sender": "us@here.example", "recipients": ["them@there.example"]}


async def _saved(home: Path, method: str, direction: str, endpoint: dict[str, Any]) -> None:
    paths = Paths(home / "config", home / "data", home / "state")
    paths.prepare()
    store = SqliteStore(paths.database)
    await store.open()
    data = {"name": "acme", "direction": direction, "method": method, "local_dir": str(home), "retries": 0}
    await store.save(Connection.model_validate(data | {method: endpoint}))
    await store.close()


def _output(code: str, home: Path) -> Any:
    environment = os.environ | {"WHARF_HOME": str(home), "USER": "u"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_first_frame_waits_for_nothing_that_only_work_on_connections_needs(tmp_path: Path) -> None:
    asyncio.run(_saved(tmp_path, "sftp", "inbound", SERVER))
    loaded = set(_output(FIRST_FRAME, tmp_path))
    assert "tui.console.screens.connections" in loaded
    assert not loaded & {"pydantic", "cryptography", "asyncssh", "aioftp", "aiosmtplib"}
    assert not loaded & {"tui.domain.connection", "tui.engine.execution", "tui.methods.base"}
    assert not loaded & {"tui.trust.vault", "tui.console.palette", "tui.store.statistics", "tomllib"}
    assert not [module for module in loaded if module.startswith("tui.console.dialogs.")]
    # What Textual has beside what is on the screen, and the library for mail, which comes with importlib.metadata.
    assert not loaded & {"textual.widgets._text_area", "textual.widgets._markdown", "email.message"}


@pytest.mark.parametrize(
    ("method", "direction", "endpoint", "library"),
    [
        ("sftp", "inbound", SERVER, "asyncssh"),
        ("ftp", "inbound", SERVER, "aioftp"),
        ("email", "outbound", MAIL, "aiosmtplib"),
        ("email", "inbound", SERVER, "tui.methods.imap_client"),
    ],
)
def test_what_a_run_needs_is_imported_beside_the_event_loop(
    tmp_path: Path, method: str, direction: str, endpoint: dict[str, Any], library: str
) -> None:
    (tmp_path / "batch.csv").write_text("1")
    os.utime(tmp_path / "batch.csv", (1, 1))
    asyncio.run(_saved(tmp_path, method, direction, endpoint))
    on_the_loop: dict[str, bool] = _output(RUN, tmp_path)
    for module in (library, "pydantic", "tui.engine.execution", "tui.domain.connection"):
        assert on_the_loop[module] is False, module
