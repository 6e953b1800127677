"""Alarms that are on, and who is told when one goes on or off."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import msgspec

from tongdai.core.log import get_logger
from tongdai.journal import Journal

log = get_logger(__name__)


class Notice(msgspec.Struct, frozen=True):
    """An alarm went on, or (`over`) off. `since` and `at` are wall-clock seconds."""

    alarm: str
    over: bool
    detail: str
    since: float
    at: float


_PREFIX = "alarm/"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Notice).decode


class Alarms:
    """Each by its name. An alarm that stays on is told once, also when a process dies meanwhile: who was told
    that it is on is told when it is over."""

    def __init__(self, wall: Callable[[], float], tell: Callable[[Notice], None], journal: Journal) -> None:
        self._wall = wall
        self._tell = tell
        self._journal = journal
        self._on: dict[str, Notice] = {}
        for key, value in journal.load().items():
            if key.startswith(_PREFIX):
                with contextlib.suppress(msgspec.DecodeError):
                    self._on[key.removeprefix(_PREFIX)] = _decode(value)
        self._known: set[str] = set()

    def on(self, name: str) -> bool:
        return name in self._on

    def put(self, name: str, detail: str) -> None:
        """How it stands with this condition: what is wrong, or empty."""
        self._known.add(name)
        now = self._wall()
        begun = self._on.get(name)
        if detail and begun is None:
            self._on[name] = notice = Notice(name, False, detail, now, now)
            self._journal.put(_PREFIX + name, _encode(notice))
            log.error("alarm", alarm=name, detail=detail)
            self._tell(notice)
        elif begun is not None and not detail:
            del self._on[name]
            self._journal.delete(_PREFIX + name)
            log.warning("alarm is over", alarm=name, seconds=round(max(now - begun.since, 0.0)))
            self._tell(Notice(name, True, begun.detail, begun.since, now))

    def metrics(self) -> dict[str, float]:
        """1 for each that is on, 0 for each that could be."""
        return {f"alarm_{name}": float(name in self._on) for name in sorted(self._known)}
