"""The engine: coroutines that run connections, owned by the engine alone and independent of any screen."""

from tui.engine.engine import Engine, open_engine
from tui.engine.inspection import Preview, TestReport, Watcher
from tui.engine.live import LiveRun, Snapshot

__all__ = ["Engine", "LiveRun", "Preview", "Snapshot", "TestReport", "Watcher", "open_engine"]
