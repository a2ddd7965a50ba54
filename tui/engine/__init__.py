"""The engine: coroutines that run connections, owned by the engine alone and independent of any screen."""

from tui.engine.engine import Engine, open_engine
from tui.engine.live import LiveRun, Snapshot

__all__ = ["Engine", "LiveRun", "Snapshot", "open_engine"]
