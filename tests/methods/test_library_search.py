"""Libraries that are not there are not looked for with other programs, and those that are there are found."""

import ctypes.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.methods import library_search
from tui.methods.library_search import quick_search

_ABSENT = "no-such-library-of-wharf"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    library_search._cached.cache_clear()
    yield
    library_search._cached.cache_clear()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that Python is asked for, which says that it has them."""
    names: list[str] = []

    def find(name: str) -> str:
        names.append(name)
        return f"lib{name}.so.1"

    monkeypatch.setattr(ctypes.util, "find_library", find)
    return names


@pytest.fixture
def linker_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cache = tmp_path / "ld.so.cache"
    cache.write_bytes(b"glibc-ld.so.cache1.1\0libnettle.so.8\0/usr/lib/libnettle.so.8\0")
    monkeypatch.setattr(library_search, "_CACHE", cache)
    for name in ("LD_LIBRARY_PATH", "LD_PRELOAD"):
        monkeypatch.delenv(name, raising=False)
    return cache


def test_only_what_the_linker_knows_is_searched_for(asked: list[str], linker_cache: Path) -> None:
    with quick_search():
        assert ctypes.util.find_library("nettle") == "libnettle.so.1"
        assert ctypes.util.find_library(_ABSENT) is None
    assert asked == ["nettle"]


@pytest.mark.parametrize("variable", ["LD_LIBRARY_PATH", "LD_PRELOAD"])
def test_where_libraries_lie_elsewhere_everything_is_searched_for(
    asked: list[str], linker_cache: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "/opt/lib")
    with quick_search():
        assert ctypes.util.find_library(_ABSENT) is not None


def test_where_the_linker_keeps_no_cache_everything_is_searched_for(asked: list[str], linker_cache: Path) -> None:
    linker_cache.unlink()
    with quick_search():
        assert ctypes.util.find_library(_ABSENT) is not None


def test_afterwards_the_search_is_as_before(asked: list[str], linker_cache: Path) -> None:
    before = ctypes.util.find_library
    with pytest.raises(RuntimeError), quick_search():
        raise RuntimeError
    assert ctypes.util.find_library is before


@pytest.mark.skipif(not Path("/etc/ld.so.cache").exists(), reason="the linker keeps no cache here")
def test_what_asyncssh_can_do_is_the_same() -> None:
    asking = "import asyncssh.crypto as c; print(c.mlkem_available, c.sntrup_available, hasattr(c, 'umac64'))"
    quick = f"from tui.methods.library_search import quick_search\nwith quick_search(): {asking}"
    said = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60).stdout
        for program in (asking, quick)
    }
    assert len(said) == 1
