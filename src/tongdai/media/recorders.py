"""What legs say is recorded: begun, ended, reported, and gone on with in the next engine when one died, and
by the next control process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.core.log import get_logger
from tongdai.journal.port import Journal
from tongdai.journal.reading import decoded
from tongdai.media import events as ev
from tongdai.media.engines import Engine
from tongdai.media.errors import EngineGone

log = get_logger(__name__)

PREFIX = "recording/"
_WAV_HEADER = 44
_LEAST_MS = 1000
"""What a recording that is gone on with may still take, however long the outage was."""


class Recordings(Protocol):
    """Where recordings go."""

    def new(self, tenant: str) -> tuple[str, Path]:
        """The name of a new blob and the path to write it to."""


class _Begun(msgspec.Struct, frozen=True):
    """What the journal keeps of a recording in progress."""

    tenant: str
    blob: str
    path: str
    command: c.Record
    since: float


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Begun).decode


class _Recording(msgspec.Struct):
    """A recording in progress, in this engine. `stopped`: its end was asked for. `told`: the engine knows
    of it."""

    begun: _Begun
    engine: Engine
    stopped: bool = False
    told: bool = True


class Recorders:
    """The recordings in progress."""

    def __init__(
        self,
        engine: Callable[[str], Engine],
        recordings: Recordings,
        journal: Journal,
        post: Callable[[str, e.Event], None],
        clock: Callable[[], float],
        silenced: Callable[[str], bool],
    ) -> None:
        """`engine` is that of a leg. `silenced` says of a leg that its engine died, and the next one does not
        know its peer yet."""
        self._engine = engine
        self._recordings = recordings
        self._journal = journal
        self._post = post
        self._clock = clock
        self._silenced = silenced
        self._records: dict[str, _Recording] = {}

    def restore(self, entries: Mapping[str, bytes], told: Mapping[str, Engine]) -> None:
        """Take over what a control process before this one had begun; `told` are the recordings that an
        engine knows of, be they in progress or over."""
        for _, begun in decoded(self._journal, entries, PREFIX, _decode):
            record = begun.command.record
            engine = told.get(record) or self._engine(begun.command.leg)
            self._records[record] = _Recording(begun, engine, told=record in told)

    def caught_up(self, lives: Callable[[str], bool]) -> None:
        """What the engines had to tell meanwhile was heard: a recording that they know nothing of begins now,
        or is over if its leg is. `lives` tells whether a leg goes on."""
        for recording in tuple(self._records.values()):
            leg = recording.begun.command.leg
            if recording.told:
                continue
            if not lives(leg):
                self._cut(recording)
            elif not self._silenced(leg):
                self._start(recording, resume=True)

    def begin(self, tenant: str, command: c.Record) -> None:
        blob, path = self._recordings.new(tenant)
        begun = _Begun(tenant, blob, str(path), command, self._clock())
        self._journal.put(PREFIX + command.record, _encode(begun))
        recording = _Recording(begun, self._engine(command.leg))
        self._records[command.record] = recording
        if not self._silenced(command.leg):
            self._start(recording)

    def _start(self, recording: _Recording, *, resume: bool = False) -> None:
        """Begin, or go on behind what an engine that is gone has written."""
        command, leg = recording.begun.command, recording.begun.command.leg
        elapsed = round((self._clock() - recording.begun.since) * 1000)
        recording.engine = engine = self._engine(leg)
        recording.told = True

        def failed(is_there: bool) -> None:
            if is_there or self._records.get(command.record) is not recording:
                return
            if resume:
                self._cut(recording)
            else:
                self.done(ev.RecordDone(0, leg, command.record, "", 0, 0, "disk"))

        def refused(future: asyncio.Future[object]) -> None:
            error = None if future.cancelled() else future.exception()
            if isinstance(error, EngineGone):
                engine.outage.wait(failed)
            elif error is not None:
                log.error("the engine cannot record", leg=leg, error=str(error))
                failed(False)

        engine.client.record(
            leg,
            command.record,
            recording.begun.path,
            max_ms=max(command.max_ms - elapsed, _LEAST_MS) if resume else command.max_ms,
            silence_ms=command.silence_ms,
            stop_digits=command.stop_digits,
            resume=resume,
        ).add_done_callback(refused)

    def stop(self, leg: str) -> None:
        """Its end was asked for."""
        for recording in self._records.values():
            if recording.begun.command.leg == leg:
                recording.stopped = True

    def replaced(self, engine: Engine, lives: Callable[[str], bool]) -> None:
        """An engine is gone: what ended there meanwhile is reported. `lives` tells whether a leg goes on."""
        for recording in tuple(self._records.values()):
            over = recording.stopped or not lives(recording.begun.command.leg)
            if recording.engine is engine and over:
                self._cut(recording)

    def go_on(self, leg: str) -> None:
        """The next engine knows the leg: record on."""
        for recording in self._records.values():
            if recording.begun.command.leg == leg:
                self._start(recording, resume=True)

    def _cut(self, recording: _Recording) -> None:
        """It ended while no engine was there: what is in its file counts."""
        begun = recording.begun
        ms = recorded_ms(Path(begun.path))
        leg, record = begun.command.leg, begun.command.record
        self.done(ev.RecordDone(0, leg, record, begun.path, ms, ms, "closed"))

    def records(self, record: str) -> bool:
        """Whether this recording is in progress."""
        return record in self._records

    def done(self, event: ev.RecordDone) -> None:
        """A recording has ended, perhaps after its leg: most messages end with their caller hanging up."""
        recording = self._records.pop(event.record, None)
        if recording is None:
            return
        self._journal.delete(PREFIX + event.record)
        tenant, blob = recording.begun.tenant, recording.begun.blob
        done = e.RecordDone(event.session, event.record, blob, event.ms, event.voiced_ms, event.reason)
        self._post(tenant, done)


def recorded_ms(path: Path) -> int:
    """Length of a mono WAV that an engine was writing when it was killed, by what is in the file: its header
    may be a second behind. 0 when there is none."""
    try:
        with path.open("rb") as file:
            header = file.read(_WAV_HEADER)
            size = file.seek(0, os.SEEK_END)
    except OSError:
        return 0
    rate = int.from_bytes(header[24:28], "little") if len(header) == _WAV_HEADER else 0
    return (size - _WAV_HEADER) // 2 * 1000 // rate if rate else 0
