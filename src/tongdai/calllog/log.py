"""The log as it is written. All facts of a call stay in the journal until its CDR is stored."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tongdai.calllog import store
from tongdai.calls.facts import CallEnded, Fact, LoggedFact
from tongdai.core.clock import Clock
from tongdai.core.log import get_logger
from tongdai.db import Database
from tongdai.journal import Journal
from tongdai.journal.behind import WriteBehind

log = get_logger(__name__)

PREFIX = "fact/"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(LoggedFact).decode


class _LiveLog:
    """The facts of a call whose CDR is not stored yet; the first `stored` of them are. `epoch` turns
    monotonic into wall-clock time for the whole call, so that setting the machine's clock gives no call a
    wrong length."""

    __slots__ = ("anew", "epoch", "facts", "queued", "stored")

    def __init__(self, epoch: float, anew: bool) -> None:
        self.epoch = epoch
        self.facts: list[LoggedFact] = []
        self.stored = 0
        self.queued = False
        self.anew = anew
        """What the database has of it is not known."""


class CallLog:
    """Takes facts, numbers and dates them, and stores them behind the call."""

    def __init__(self, *, journal: Journal, db: Database, clock: Clock, linger: float = 0.1) -> None:
        self._journal = journal
        self._db = db
        self._clock = clock
        self._live: dict[str, _LiveLog] = {}
        self._behind: WriteBehind[str] = WriteBehind("calls", self._store, linger=linger)

    def open(self, entries: Mapping[str, bytes]) -> None:
        """Take over the logs of an earlier process (`Journal.load()`): calls in progress go on being
        logged, what may not have been stored is stored again. Begins to store."""
        for key in sorted(key for key in entries if key.startswith(PREFIX)):
            try:
                logged = _decode(entries[key])
            except msgspec.DecodeError as error:
                log.error("journaled fact cannot be read", key=key, error=str(error))
                self._journal.delete(key)
                continue
            self._take(logged, anew=True)
        self._behind.start()

    def append(self, tenant: str, call: str, fact: Fact) -> None:
        """The next fact of a call."""
        live = self._live.get(call)
        now = self._clock.monotonic()
        at = now + (self._clock.wall() - now if live is None else live.epoch)
        if live is not None and live.facts:
            at = max(at, live.facts[-1].at)
        logged = LoggedFact(call, tenant, len(live.facts) + 1 if live is not None else 1, at, fact)
        self._journal.put(_key(logged), _encode(logged))
        self._take(logged)

    async def close(self) -> None:
        """Store what is left; what the database does not take now stays in the journal for the next start."""
        await self._behind.close()

    def _take(self, logged: LoggedFact, anew: bool = False) -> None:
        live = self._live.get(logged.call)
        if live is None:
            epoch = self._clock.wall() - self._clock.monotonic()
            live = self._live[logged.call] = _LiveLog(epoch, anew)
        live.facts.append(logged)
        if not live.queued:
            live.queued = True
            self._behind.put(logged.call)

    async def _store(self, calls: list[str]) -> None:
        chunks = {}
        for call in calls:
            live = self._live.get(call)
            if live is not None and (live.anew or live.stored < len(live.facts)):
                live.queued = False  # what comes from now on is for the next time
                chunks[call] = store.Chunk(tuple(live.facts), live.stored, live.anew)
        try:
            await store.store(self._db, list(chunks.values()))
        except Exception:
            for call in chunks:
                self._live[call].anew = True  # stored or not, who knows
            raise
        for call, chunk in chunks.items():
            live = self._live[call]
            live.stored, live.anew = len(chunk.facts), False
            if isinstance(chunk.facts[-1].fact, CallEnded):
                del self._live[call]
                for logged in live.facts:
                    self._journal.delete(_key(logged))


def _key(logged: LoggedFact) -> str:
    return f"{PREFIX}{logged.call}/{logged.seq:06}"
