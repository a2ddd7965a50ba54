"""`wharf demo`: sets the stage, then opens the screen on it or checks it."""

import asyncio
import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tui.demo.check import check_all
from tui.demo.partners import Places
from tui.demo.process import running_servers
from tui.demo.stage import Stage
from tui.domain.failure import UsageProblem
from tui.engine import Engine, open_engine
from tui.paths import Paths

_NEEDED = {"aiosmtpd": "aiosmtpd", "pyftpdlib": "pyftpdlib", "OpenSSL": "pyopenssl", "pymap": "pymap"}


async def run_demo(keep: Path | None, use: Callable[[Engine], Awaitable[int]] | None = None) -> int:
    """Set the stage and let `use` do something with it; without `use`, run everything and check it. Returns the exit
    code. The folder is removed at the end, unless `keep` names one to keep.

    Raises UsageProblem when a server's library is missing or `keep` is not an empty folder.
    """
    missing = [package for module, package in _NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise UsageProblem(
            f"The demo needs {', '.join(missing)}; install Wharf with its extra: pip install 'wharf-tui[demo]'."
        )
    with _folder(keep) as root:
        return await _run(Places(root), use)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise UsageProblem(f"{keep} is not empty; name a new folder for the demo.")
        yield keep.absolute()
        print(f"The demo's files are in {keep.absolute()}.", file=sys.stderr)
        return
    root = Path(tempfile.mkdtemp(prefix="wharf-demo-"))
    try:
        yield root
    finally:
        shutil.rmtree(root)


async def _run(places: Places, use: Callable[[Engine], Awaitable[int]] | None) -> int:
    for folder in (places.sftp, places.ftp, places.mailboxes, places.local, places.secrets):
        folder.mkdir(parents=True)
    home = Paths(places.wharf / "config", places.wharf / "data", places.wharf / "state")
    async with running_servers(places) as ports, open_engine(home) as engine:
        stage = Stage(places, ports)
        await asyncio.to_thread(stage.build)
        await asyncio.to_thread(stage.store_secrets, engine.vault)
        await engine.store.save_all([scene.connection for scene in stage.scenes], replace=False)
        return await (check_all(engine, stage) if use is None else use(engine))
