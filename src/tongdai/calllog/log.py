"""The log as it is written. All facts of a call stay in the journal until its CDR is stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from tongdai.calllog import store
from tongdai.calls.facts import (
    CallEnded,
    Fact,
    LegAnsweredFact,
    LegEndedFact,
    LegMeasured,
    LoggedFact,
)
from tongdai.core.clock import Clock
from tongdai.core.log import get_logger
from tongdai.db import Database
from tongdai.db.engine import is_refusal
from tongdai.journal import Journal
from tongdai.journal.behind import WriteBehind
from tongdai.journal.refused import Refused

log = get_logger(__name__)

PREFIX = "fact/"


class _Kept(LoggedFact, frozen=True):
    """In the journal: with the `epoch` of its call's times (`_LiveLog`)."""

    epoch: float | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


class _LiveLog:
    """The facts of a call whose CDR is not stored yet; the first `stored` of them are. `epoch` turns
    monotonic into wall-clock time for the whole call, so that setting the machine's clock gives no call a
    wrong length, in the processes after this one too."""

    __slots__ = (
        "anew",
        "answered",
        "ended",
        "epoch",
        "facts",
        "held",
        "keys",
        "queued",
        "stored",
        "unmeasured",
    )

    def __init__(self, epoch: float, anew: bool) -> None:
        self.epoch = epoch
        self.facts: list[LoggedFact] = []
        self.keys: list[str] = []
        """Of their entries in the journal."""
        self.stored = 0
        self.queued = False
        self.held = False
        """The database refused a part of it: the next try is the whole, at its end."""
        self.anew = anew
        """What the database has of it is not known."""
        self.answered: set[str] = set()
        self.unmeasured: set[str] = set()
        """Legs that ended and whose sound is not measured yet."""
        self.ended = False

    @property
    def complete(self) -> bool:
        """Nothing more will come of it."""
        return self.ended and not self.unmeasured

    @property
    def last(self) -> int:
        """The number of the last fact. There may be fewer: one of a later version could not be read."""
        return self.facts[-1].seq if self.facts else 0

    def take(self, logged: LoggedFact, key: str) -> None:
        self.facts.append(logged)
        self.keys.append(key)
        fact = logged.fact
        # isinstance asks the metaclass of a Struct, which takes several times as long
        if type(fact) is LegAnsweredFact:
            self.answered.add(fact.leg)
        elif type(fact) is LegEndedFact:
            if fact.leg in self.answered:
                self.unmeasured.add(fact.leg)
        elif type(fact) is LegMeasured:
            self.unmeasured.discard(fact.leg)
        elif type(fact) is CallEnded:
            self.ended = True


class CallLog:
    """Takes facts, numbers and dates them, and stores them behind the call."""

    def __init__(
        self,
        *,
        journal: Journal,
        db: Database,
        clock: Clock,
        refused: Refused,
        linger: float = 0.1,
        patience: float = 0.0,
        on_fact: Callable[[LoggedFact], None] = lambda _: None,
        on_stored: Callable[[Sequence[LoggedFact]], None] = lambda _: None,
    ) -> None:
        """`patience`: seconds that an ended call waits for what the engine measured of its legs. `on_fact` is
        called with every fact as it is written, `on_stored` with all of a call when its CDR is stored.
        `refused` keeps calls that the database will not take."""
        self._patience = patience
        self._on_fact = on_fact
        self._on_stored = on_stored
        self._journal = journal
        self._db = db
        self._clock = clock
        self._live: dict[str, _LiveLog] = {}
        self._waiting: deque[tuple[float, _LiveLog]] = deque()
        """Those of calls that have ended, and until when each waits for what is measured of it."""
        self._refused = refused
        self._behind: WriteBehind[str] = WriteBehind(
            "calls", self._store, is_refusal=is_refusal, set_aside=self._set_aside, linger=linger
        )

    def open(self, entries: Mapping[str, bytes], *, same_boot: bool = False) -> None:
        """Take over the logs of an earlier process (`Journal.load()`): calls in progress go on being
        logged, what may not have been stored is stored again. `same_boot`: that process ran since the
        machine's last start, so times go on as it dated them. Begins to store."""
        for key in sorted(key for key in entries if key.startswith(PREFIX)):
            try:
                kept = _decode(entries[key])
            except msgspec.DecodeError as error:
                if self._refused.keep_unread("calls", key, entries[key], error):
                    self._journal.delete(key)
                continue
            logged = LoggedFact(kept.call, kept.tenant, kept.seq, kept.at, kept.fact)
            live = self._live.get(logged.call) or self._begin(
                logged.call, kept.epoch if same_boot else None, anew=True
            )
            self._take(logged, live, key, anew=True)
        for live in self._live.values():
            self._complete(live)
        self._behind.start()

    def append(self, tenant: str, call: str, fact: Fact) -> None:
        """The next fact of a call."""
        live = self._live.get(call)
        if live is None and isinstance(fact, LegMeasured):
            return  # it came too late
        if live is None:
            live = self._begin(call)
        at = self._clock.monotonic() + live.epoch
        if live.facts:
            at = max(at, live.facts[-1].at)
        logged = LoggedFact(call, tenant, live.last + 1, at, fact)
        kept = _Kept(call, tenant, logged.seq, at, fact, live.epoch)
        key = f"{PREFIX}{call}/{logged.seq:06}"
        self._journal.put(key, _encode(kept))
        self._take(logged, live, key)
        self._on_fact(logged)

    def facts(self, call: str) -> Sequence[LoggedFact]:
        """So far; none of a call whose CDR is stored, or that does not exist."""
        live = self._live.get(call)
        return () if live is None else live.facts

    @property
    def failing(self) -> bool:
        """The database did not take what was given to it last; it is tried again."""
        return self._behind.failing

    @property
    def backlog(self) -> int:
        """How much is not stored yet."""
        return self._behind.backlog

    async def close(self) -> None:
        """Store what is left; what the database does not take now stays in the journal for the next start."""
        for live in self._live.values():
            self._complete(live)
        await self._behind.close()

    def deadline(self) -> float | None:
        """When `on_timers` is wanted (monotonic seconds)."""
        while self._waiting and self._waiting[0][1].complete:
            self._waiting.popleft()
        return self._waiting[0][0] if self._waiting else None

    def on_timers(self, now: float) -> None:
        """Wait no longer for what was not measured in time."""
        while self._waiting and self._waiting[0][0] <= now:
            _, live = self._waiting.popleft()
            if not live.complete:
                self._complete(live)

    def _begin(self, call: str, epoch: float | None = None, anew: bool = False) -> _LiveLog:
        if epoch is None:
            epoch = self._clock.wall() - self._clock.monotonic()
        live = self._live[call] = _LiveLog(epoch, anew)
        return live

    def _take(self, logged: LoggedFact, live: _LiveLog, key: str, anew: bool = False) -> None:
        live.take(logged, key)
        if isinstance(logged.fact, CallEnded) and live.unmeasured and self._patience and not anew:
            self._waiting.append((self._clock.monotonic() + self._patience, live))
        elif live.ended and not self._patience:
            self._complete(live)
        else:
            self._queue(live)

    def _complete(self, live: _LiveLog) -> None:
        """Wait for nothing any more."""
        live.unmeasured.clear()
        self._queue(live)

    def _queue(self, live: _LiveLog) -> None:
        if not live.queued and (live.complete or not (live.ended or live.held)):
            live.queued = True
            self._behind.put(live.facts[0].call)

    async def _store(self, calls: list[str]) -> None:
        chunks = {}
        for call in calls:
            live = self._live.get(call)
            if live is not None:
                live.queued = False  # what comes from now on is for the next time
            if live is not None and (live.anew or live.stored < len(live.facts) or live.complete):
                chunks[call] = store.Chunk(tuple(live.facts), live.stored, live.anew, live.complete)
        try:
            await store.store(self._db, list(chunks.values()))
        except Exception:
            for call in chunks:
                self._live[call].anew = True  # stored or not, who knows
            raise
        for call, chunk in chunks.items():
            live = self._live[call]
            live.stored, live.anew = len(chunk.facts), False
            if chunk.ended:
                self._forget(call)
                self._on_stored(chunk.facts)

    def _set_aside(self, call: str, error: Exception) -> None:
        live = self._live[call]
        if live.complete:
            self._refused.keep("calls", live.facts, error)
            self._forget(call)
        else:
            live.held = True

    def _forget(self, call: str) -> None:
        for key in self._live.pop(call).keys:
            self._journal.delete(key)
