"""The embedded journal: append-only files in a directory.

    <n>.log     batches, in order; appended to by one `write(2)` per commit
    <n>.snap    everything as it was when <n>.log began; made in a thread, complete once it has its name

State is the newest snapshot and every log from its number on. When the logs have grown much larger than
what lives, a new log is begun, a thread writes the snapshot for it, and then what is older goes. A written
batch survives the process at once, and the machine after the next `fdatasync`, which a thread does
`SYNC_SECONDS` later."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from tongdai.core.clock import SystemClock
from tongdai.core.errors import TongdaiError
from tongdai.core.log import get_logger
from tongdai.journal import frames

log = get_logger(__name__)

_monotonic = SystemClock().monotonic

SYNC_SECONDS = 0.2
RETRY_SECONDS = 0.25
"""After a commit that failed: how long until the next is tried. Everything since is in it, so that trying in
each tick would cost more with each."""
COMPACT_BYTES = 4 << 20
"""Logs smaller than this are never worth a snapshot."""
COMPACT_FACTOR = 4
"""Logs this many times larger than what lives are replaced by a snapshot."""
SNAPSHOT_BATCH = 500


class Behind(msgspec.Struct, frozen=True):
    """How far a file, or the disk, is behind what was put: entries, the age of the oldest in seconds, and the
    greatest age so far, of those that are there by now too."""

    entries: int
    seconds: float
    most_seconds: float


class Lag(msgspec.Struct, frozen=True):
    """`unwritten` is lost when the process ends, `unsynced` when the machine does."""

    unwritten: Behind
    unsynced: Behind


class LocalJournal:
    """The journal of one control process; a second one on the same directory is refused."""

    def __init__(
        self,
        directory: Path,
        *,
        compact_bytes: int = COMPACT_BYTES,
        clock: Callable[[], float] = _monotonic,
    ) -> None:
        """Open or create, and read what is there. Raises `TongdaiError` when another process holds it."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.failing = False
        self.on_pending: Callable[[], None] = lambda: None
        """Called when something is put, and nothing waits for a commit."""
        self._directory = directory
        self._clock = clock
        self._retry_at = float("-inf")
        self._slowest = 0.0
        self._oldest = 0.0
        """When the first of what is pending was put."""
        self._most_unwritten = 0.0
        self._compact_bytes = self._compact_at = compact_bytes
        """`_compact_at`: how large the logs may become until what lives is weighed against them."""
        self._lock = _lock(directory / "lock")
        self._pending: dict[str, bytes | None] = {}
        self._live: dict[str, bytes] = {}
        self._log_bytes = 0
        """In all logs since the last snapshot."""
        self._number = self._recover()
        self._fd, self._end = _open_log(self._log(self._number))
        self._syncer = _Syncer(clock)
        self._compaction: threading.Thread | None = None

    # -- the port

    def put(self, key: str, value: bytes) -> None:
        if key not in self._pending and self._live.get(key) == value:
            return
        if not self._pending:
            self._first()
        self._pending[key] = value

    def delete(self, key: str) -> None:
        if key in self._live:
            if not self._pending:
                self._first()
            self._pending[key] = None
        else:
            self._pending.pop(key, None)

    def _first(self) -> None:
        self._oldest = self._clock()
        self.on_pending()

    def commit(self) -> bool:
        if not self._pending:
            return not self.failing
        begun = self._clock()
        if begun < self._retry_at:
            return False
        frame = frames.encode(self._pending.items())
        try:
            self._append(frame)
        except OSError as error:
            self._retry_at = begun + RETRY_SECONDS
            if not self.failing:
                log.error(
                    "journal cannot be written; calls go on", path=str(self._directory), error=str(error)
                )
            self.failing = True
            return False
        if self.failing:
            log.warning("journal can be written again", path=str(self._directory))
        self.failing = False
        now = self._clock()
        self._slowest = max(self._slowest, now - begun)
        self._most_unwritten = max(self._most_unwritten, now - self._oldest)
        self._log_bytes += len(frame)
        self._apply(self._pending)
        self._syncer.dirty(self._fd, len(self._pending))
        self._pending = {}
        if self._log_bytes > self._compact_at:
            self._compact()
        return True

    def load(self) -> dict[str, bytes]:
        return dict(self._live)

    def slowest_commit(self) -> float:
        """The longest so far that the loop waited for a commit, in seconds."""
        return self._slowest

    def lag(self) -> Lag:
        """What a crash of the process, or of the machine, would lose now."""
        age = self._clock() - self._oldest if self._pending else 0.0
        unwritten = Behind(len(self._pending), age, max(self._most_unwritten, age))
        return Lag(unwritten, self._syncer.behind())

    def measure_from_now(self) -> None:
        """What was put while nothing was served yet counts no more in the greatest ages."""
        self._slowest = self._most_unwritten = 0.0
        self._oldest = self._clock()

    def close(self) -> None:
        """Commit, put everything on the disk and let go of the directory."""
        self.commit()
        if self._compaction is not None:
            self._compaction.join()
        self._syncer.close()
        os.close(self._fd)
        os.close(self._lock)

    # -- appending

    def _append(self, frame: bytes) -> None:
        if self._fd < 0:
            self._number += 1
            self._fd, self._end = _open_log(self._log(self._number))
        try:
            written = os.write(self._fd, frame)
            if written < len(frame):
                raise OSError(errno.ENOSPC, f"{written} of {len(frame)} bytes written")
        except OSError:
            self._cut_off()
            raise
        self._end += len(frame)

    def _cut_off(self) -> None:
        """Take away half a frame, so that later ones can be read; a log that cannot be cut is left and a
        new one begun."""
        try:
            os.ftruncate(self._fd, self._end)
        except OSError as error:
            log.error("journal log left with a torn end", number=self._number, error=str(error))
            self._syncer.forget(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _apply(self, batch: dict[str, bytes | None]) -> None:
        for key, value in batch.items():
            if value is None:
                self._live.pop(key, None)
            else:
                self._live[key] = value

    # -- compaction

    def _compact(self) -> None:
        """Begin a new log, and a snapshot for it, if what lives is little beside the logs."""
        if self._compaction is not None and self._compaction.is_alive():
            return
        live_bytes = sum(len(key) + len(value) for key, value in self._live.items())
        self._compact_at = max(self._compact_bytes, COMPACT_FACTOR * live_bytes)
        if self._log_bytes <= self._compact_at:
            return
        try:
            fd, end = _open_log(self._log(self._number + 1))
        except OSError as error:
            log.error("journal log cannot be begun", number=self._number + 1, error=str(error))
            self._compact_at = self._log_bytes + self._compact_bytes
            return
        old, self._fd, self._end = self._fd, fd, end
        self._number += 1
        self._log_bytes = 0
        self._syncer.dirty(fd, 0)
        self._compaction = threading.Thread(
            target=self._write_snapshot,
            args=(self._number, list(self._live.items()), old),
            name="journal-compaction",
        )
        self._compaction.start()

    def _write_snapshot(self, number: int, entries: list[tuple[str, bytes]], old: int) -> None:
        path = self._directory / f"{number:08}.snap"
        temporary = path.with_suffix(".new")
        try:
            os.fdatasync(old)
            with temporary.open("wb") as file:
                for start in range(0, len(entries), SNAPSHOT_BATCH):
                    file.write(frames.encode(entries[start : start + SNAPSHOT_BATCH]))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync_directory(self._directory)
            self._remove_before(number)
        except OSError as error:
            log.error("journal snapshot failed; the logs stay", number=number, error=str(error))
            temporary.unlink(missing_ok=True)
        finally:
            os.close(old)

    def _remove_before(self, number: int) -> None:
        for path in self._directory.iterdir():
            if path.suffix in (".log", ".snap", ".new") and int(path.stem) < number:
                path.unlink()

    # -- recovery

    def _recover(self) -> int:
        """Fill `_live`; return the number of the log to go on with."""
        snapshots = sorted(int(path.stem) for path in self._directory.glob("*.snap"))
        logs = sorted(int(path.stem) for path in self._directory.glob("*.log"))
        first = snapshots[-1] if snapshots else 0
        if snapshots:
            self._read(self._directory / f"{first:08}.snap")
        for number in logs:
            if number < first:
                continue
            path = self._log(number)
            good = self._read(path)
            self._log_bytes += good
            if number == logs[-1]:
                os.truncate(path, good)
        for leftover in self._directory.glob("*.new"):
            leftover.unlink()
        self._remove_before(first)
        return max([first, *logs])

    def _read(self, path: Path) -> int:
        data = path.read_bytes()
        good = 0
        for end, batch in frames.decode(data):
            self._apply(dict(batch))
            good = end
        if good < len(data):
            log.warning(
                "journal file ends with a torn record; cut off", file=path.name, bytes=len(data) - good
            )
        return good

    def _log(self, number: int) -> Path:
        return self._directory / f"{number:08}.log"


class _Syncer:
    """Puts a log on the disk some time after it was written to, in a thread that sleeps while nothing
    happens."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._fd = -1
        self._dirty = False
        self._entries = 0
        """Written since the sync that goes on, or the last one, began."""
        self._syncing = 0
        """Written before that, and not on the disk yet."""
        self._since = float("inf")
        """When the first of `_entries` was written."""
        self._syncing_since = float("inf")
        self._most = 0.0
        self._closed = False
        self._thread: threading.Thread | None = None

    def dirty(self, fd: int, entries: int) -> None:
        """So many entries were written to this log. One log at a time: the owner of the last one syncs it
        before closing it."""
        with self._changed:
            self._entries += entries
            if self._dirty and self._fd == fd:
                return
            self._since = min(self._since, self._clock())
            self._fd = fd
            self._dirty = True
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
            self._thread.start()

    def behind(self) -> Behind:
        """What is not on the disk yet."""
        with self._changed:
            entries = self._entries + self._syncing
            oldest = min(self._since, self._syncing_since)
            age = max(self._clock() - oldest, 0.0)
            return Behind(entries, age, max(self._most, age))

    def forget(self, fd: int) -> None:
        with self._changed:
            if self._fd == fd:
                self._dirty = False

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._dirty or self._closed)
                if not self._closed:
                    self._changed.wait_for(lambda: self._closed, SYNC_SECONDS)
                if not self._dirty:
                    return
                fd = os.dup(self._fd)
                self._dirty = False
                self._syncing += self._entries
                self._syncing_since = min(self._syncing_since, self._since)
                self._entries, self._since = 0, float("inf")
            try:
                os.fdatasync(fd)
            except OSError as error:
                log.error("journal cannot be put on the disk", error=str(error))
            else:
                with self._changed:
                    self._most = max(self._most, self._clock() - self._syncing_since)
                    self._syncing, self._syncing_since = 0, float("inf")
            finally:
                os.close(fd)


def _open_log(path: Path) -> tuple[int, int]:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    return fd, os.fstat(fd).st_size


def _lock(path: Path) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # A record lock belongs to the process: a forked child does not keep it when this process is killed.
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise TongdaiError(
            "journal_in_use",
            f"Another process is using the journal {path.parent}.",
            "Stop the other tongdai that runs on the same data directory, or give this one its own (--data).",
        ) from error
    return fd


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
