from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongdai.core.clock import ManualClock
from tongdai.journal import LocalJournal, frames, local
from tongdai.journal.local import RETRY_SECONDS, Behind

KEYS = st.sampled_from(["a", "b", "c", "call/1", "call/2", "é"])
BATCHES = st.lists(
    st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=30)), min_size=1, max_size=5), max_size=12
)


def write(journal: LocalJournal, batch: list[tuple[str, bytes | None]]) -> None:
    for key, value in batch:
        if value is None:
            journal.delete(key)
        else:
            journal.put(key, value)
    assert journal.commit()


def reopened(directory: Path) -> dict[str, bytes]:
    journal = LocalJournal(directory)
    try:
        return journal.load()
    finally:
        journal.close()


def only_log(directory: Path) -> Path:
    (path,) = directory.glob("*.log")
    return path


@settings(max_examples=60, deadline=None)
@given(batches=BATCHES, data=st.data())
def test_any_prefix_of_the_file_recovers_the_state_after_some_whole_commit(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[tuple[str, bytes | None]]],
    data: st.DataObject,
):
    directory = tmp_path_factory.mktemp("journal")
    journal = LocalJournal(directory)
    path = only_log(directory)
    states: dict[int, dict[str, bytes]] = {0: {}}
    for batch in batches:
        write(journal, batch)
        states[path.stat().st_size] = journal.load()
    journal.close()
    cut = data.draw(st.integers(0, path.stat().st_size))
    os.truncate(path, cut)
    assert reopened(directory) == states[max(size for size in states if size <= cut)]
    assert path.stat().st_size in states, "the torn end is gone, so that what follows can be read"


def test_what_was_committed_is_there_for_the_next_process_and_what_was_not_is_not(tmp_path: Path):
    journal = LocalJournal(tmp_path)
    write(journal, [("call/1", b"one"), ("call/2", b"two")])
    write(journal, [("call/1", None)])
    journal.put("call/3", b"never committed")
    read = dict(journal.load())
    os.close(journal._lock)  # as if killed: nothing is flushed
    assert read == {"call/2": b"two"}
    assert reopened(tmp_path) == {"call/2": b"two"}


def test_a_commit_is_one_write_whatever_was_put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    journal = LocalJournal(tmp_path)
    writes: list[bytes] = []
    real = os.write

    def counted(fd: int, data: bytes) -> int:
        writes.append(data)
        return real(fd, data)

    monkeypatch.setattr(os, "write", counted)
    for n in range(50):
        journal.put(f"k{n}", b"x")
        journal.put(f"k{n}", b"y")
    journal.commit()
    journal.commit()
    assert len(writes) == 1
    ((_, batch),) = frames.decode(writes[0])
    assert batch == [(f"k{n}", b"y") for n in range(50)]
    journal.close()


def test_what_changes_nothing_is_not_written(tmp_path: Path):
    journal = LocalJournal(tmp_path)
    write(journal, [("a", b"1")])
    size = only_log(tmp_path).stat().st_size
    write(journal, [("a", b"1"), ("b", None)])
    assert only_log(tmp_path).stat().st_size == size
    journal.close()


@pytest.mark.parametrize("kept", [0, 5])
def test_a_full_disk_raises_the_alarm_and_loses_nothing_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
):
    clock = ManualClock()
    journal = LocalJournal(tmp_path, clock=clock.monotonic)
    write(journal, [("a", b"1"), ("b", b"1")])
    real = os.write

    def full(fd: int, data: bytes) -> int:
        if not kept:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data[:kept])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        journal.put("a", b"2")
        assert journal.commit() is False
        assert journal.failing
        journal.delete("b")
        clock.advance(RETRY_SECONDS)
        assert journal.commit() is False
    journal.put("c", b"3")
    assert journal.commit() is False, "not yet tried again"
    clock.advance(RETRY_SECONDS)
    assert journal.commit() is True
    assert not journal.failing
    journal.close()
    assert reopened(tmp_path) == {"a": b"2", "c": b"3"}


def test_a_log_whose_torn_end_cannot_be_cut_off_is_left_and_a_new_one_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock = ManualClock()
    journal = LocalJournal(tmp_path, clock=clock.monotonic)
    write(journal, [("a", b"1")])
    real = os.write

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real(fd, data[:9]))
        patch.setattr(os, "ftruncate", broken)
        journal.put("b", b"2")
        assert not journal.commit()
    clock.advance(RETRY_SECONDS)
    assert journal.commit()
    journal.close()
    assert reopened(tmp_path) == {"a": b"1", "b": b"2"}


def test_garbage_is_compacted_while_writing_goes_on(tmp_path: Path):
    journal = LocalJournal(tmp_path, compact_bytes=20_000)
    for turn in range(3000):
        write(journal, [(f"call/{turn % 7}", str(turn).encode() * 5)])
    expected = journal.load()
    assert len(expected) == 7
    journal.close()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 100_000
    assert list(tmp_path.glob("*.snap"))
    assert reopened(tmp_path) == expected


def test_a_snapshot_that_was_never_finished_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    journal = LocalJournal(tmp_path, compact_bytes=100)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda self, target: (_ for _ in ()).throw(OSError("killed here")))
        for turn in range(100):
            write(journal, [("a", str(turn).encode()), ("b", b"x" * 20)])
        assert journal._compaction is not None
        journal._compaction.join()
    journal.close()
    (tmp_path / "00000099.new").write_bytes(b"half a snapshot")
    assert len(list(tmp_path.glob("*.log"))) > 1
    assert reopened(tmp_path) == {"a": b"99", "b": b"x" * 20}
    assert not list(tmp_path.glob("*.new"))


def test_a_flipped_bit_ends_the_reading_of_its_file_and_not_the_process(tmp_path: Path):
    journal = LocalJournal(tmp_path)
    write(journal, [("a", b"1")])
    size = only_log(tmp_path).stat().st_size
    write(journal, [("b", b"2")])
    journal.close()
    data = bytearray(only_log(tmp_path).read_bytes())
    data[size + 9] ^= 1
    only_log(tmp_path).write_bytes(data)
    assert reopened(tmp_path) == {"a": b"1"}


def test_a_second_process_on_the_same_journal_is_refused(tmp_path: Path):
    journal = LocalJournal(tmp_path)
    program = "import pathlib, sys, tongdai.journal as j; j.LocalJournal(pathlib.Path(sys.argv[1]))"
    second = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert second.returncode != 0
    assert "Another process is using the journal" in second.stderr
    journal.close()


def test_while_the_disk_is_full_it_is_not_written_to_in_every_tick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Each try encodes all that has gathered: with every tick of ten minutes calls would wait for that."""
    clock = ManualClock()
    journal = LocalJournal(tmp_path, clock=clock.monotonic)
    tries: list[int] = []

    def full(fd: int, data: bytes) -> int:
        tries.append(len(data))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        for tick in range(1000):
            journal.put(f"fact/{tick}", b"x" * 100)
            assert not journal.commit()
            clock.advance(0.001)
    assert 4 <= len(tries) <= 5
    clock.advance(RETRY_SECONDS)
    assert journal.commit()
    journal.close()
    assert len(reopened(tmp_path)) == 1000


class Disk:
    """Takes what is to be synced, and keeps whoever asks waiting until it is told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.goes_on = threading.Semaphore(0), threading.Semaphore(0)
        self.broken = False
        monkeypatch.setattr(os, "fdatasync", self._sync)
        monkeypatch.setattr(local, "SYNC_SECONDS", 0.0)

    def _sync(self, fd: int) -> None:
        self.asked.release()
        assert self.goes_on.acquire(timeout=30)
        if self.broken:
            raise OSError(errno.EIO, "Input/output error")

    def hangs(self) -> None:
        """Wait until it was asked."""
        assert self.asked.acquire(timeout=30)


def test_how_far_the_file_is_behind_what_was_put_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clock = ManualClock()
    journal = LocalJournal(tmp_path, clock=clock.monotonic)
    assert journal.lag().unwritten == Behind(0, 0.0, 0.0)
    journal.put("a", b"1")
    clock.advance(0.5)
    journal.put("b", b"1")
    assert journal.lag().unwritten == Behind(2, 0.5, 0.5)
    assert journal.commit()
    assert journal.lag().unwritten == Behind(0, 0.0, 0.5)
    journal.measure_from_now()
    assert journal.lag().unwritten == Behind(0, 0.0, 0.0)
    clock.advance(10)
    journal.delete("a")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: 0)
        assert not journal.commit()
        clock.advance(2.0)
        journal.put("c", b"1")
    assert journal.lag().unwritten == Behind(2, 2.0, 2.0)
    assert journal.commit()
    assert journal.lag().unwritten == Behind(0, 0.0, 2.0)
    journal.close()


def test_how_far_a_disk_that_hangs_is_behind_what_was_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock, disk = ManualClock(), Disk(monkeypatch)
    journal = LocalJournal(tmp_path, clock=clock.monotonic)
    write(journal, [("a", b"1")])
    disk.hangs()
    clock.advance(3.0)
    write(journal, [("b", b"1"), ("c", b"1")])
    assert journal.lag().unsynced == Behind(3, 3.0, 3.0)
    disk.goes_on.release()
    disk.hangs()  # for what was written meanwhile
    clock.advance(1.0)
    assert journal.lag().unsynced == Behind(2, 1.0, 3.0)
    disk.goes_on.release()
    journal.close()
    assert journal.lag().unsynced == Behind(0, 0.0, 3.0)


def test_what_a_disk_did_not_take_counts_until_it_takes_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock, disk = ManualClock(), Disk(monkeypatch)
    journal = LocalJournal(tmp_path, clock=clock.monotonic)
    disk.broken = True
    write(journal, [("a", b"1")])
    disk.hangs()
    disk.goes_on.release()
    clock.advance(6.0)
    write(journal, [("b", b"1")])
    disk.hangs()
    assert journal.lag().unsynced == Behind(2, 6.0, 6.0)
    disk.broken = False
    disk.goes_on.release()
    journal.close()
    assert journal.lag().unsynced == Behind(0, 0.0, 6.0)
