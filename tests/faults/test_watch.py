"""The watch over final names sees what it is there for; otherwise the matrix would prove nothing."""

from pathlib import Path

from tests.faults.watch import watching

COMPLETE = b"line\n" * 1000


async def test_a_complete_file_may_get_its_final_name(tmp_path: Path) -> None:
    with watching(tmp_path) as watch:
        watch.allow("a.csv", COMPLETE)
        part = tmp_path / "a.csv.wharf-part"
        part.write_bytes(COMPLETE)
        part.replace(tmp_path / "a.csv")
    assert watch.violations == []
    assert watch.published == {"a.csv": 1}


async def test_a_part_must_not(tmp_path: Path) -> None:
    with watching(tmp_path) as watch:
        watch.allow("a.csv", COMPLETE)
        part = tmp_path / "a.csv.wharf-part"
        part.write_bytes(COMPLETE[:-1])
        part.replace(tmp_path / "a.csv")
    assert watch.violations == ["a.csv got its final name with 4999 bytes that are not the file"]


async def test_writing_to_the_final_name_is_seen_even_if_it_ends_well(tmp_path: Path) -> None:
    with watching(tmp_path) as watch:
        watch.allow("a.csv", COMPLETE)
        (tmp_path / "a.csv").write_bytes(COMPLETE)
    assert "a.csv was written to under its final name" in watch.violations


async def test_every_time_counts(tmp_path: Path) -> None:
    with watching(tmp_path) as watch:
        watch.allow("a.csv", COMPLETE)
        for _ in range(2):
            part = tmp_path / "a.csv.wharf-part"
            part.write_bytes(COMPLETE)
            part.replace(tmp_path / "a.csv")
    assert watch.published == {"a.csv": 2}


async def test_several_contents_can_be_complete(tmp_path: Path) -> None:
    with watching(tmp_path) as watch:
        watch.allow("a.csv", COMPLETE)
        watch.allow("a.csv", b"shorter")
        part = tmp_path / "a.csv.wharf-part"
        part.write_bytes(b"shorter")
        part.replace(tmp_path / "a.csv")
    assert watch.violations == []
