"""The engines that this process commands: new sessions are opened in the first, and those before it, which an
upgrade has left, keep theirs until they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tongdai.media.client import EngineClient
from tongdai.media.outage import Outage
from tongdai.media.reserve import Reserve


class Engine:
    """One of them."""

    def __init__(self, client: EngineClient, name: str, refused: Callable[[str, str], None]) -> None:
        """`name` tells it from the others, and is the same for the control process after this one; `refused`
        is that of its `Reserve`."""
        self.client = client
        self.name = name
        self.outage = Outage(lambda: client.connected)
        self.reserve = Reserve(client, refused)
        self.mixers: set[str] = set()
        self.lost_at: float | None = None
        """Since when it is not there, in the clock's seconds."""


class Engines:
    """Which there are, and which has the session of a leg."""

    def __init__(self, refused: Callable[[str, str], None]) -> None:
        """`refused(leg, detail)` when an engine does not open a session that it has promised."""
        self._refused = refused
        self._all: list[Engine] = []
        self._of: dict[str, Engine] = {}

    def add(self, client: EngineClient, name: str) -> None:
        """Command this one too. The first is the one that new sessions are opened in."""
        self._all.append(Engine(client, name, self._refused))

    def remove(self, engine: Engine) -> None:
        """It is gone for good; its legs have sessions elsewhere."""
        self._all.remove(engine)

    def __iter__(self) -> Iterator[Engine]:
        """The newest first."""
        return iter(tuple(self._all))

    def __len__(self) -> int:
        return len(self._all)

    @property
    def current(self) -> Engine:
        """Where new sessions are opened."""
        assert self._all, "no engine was given"
        return self._all[0]

    def by(self, client: EngineClient) -> Engine:
        """The one that this client leads to."""
        return next(engine for engine in self._all if engine.client is client)

    def of(self, leg: str) -> Engine | None:
        """Where the leg has its session; None when it has none."""
        return self._of.get(leg)

    def asked(self, leg: str) -> Engine:
        """Who is asked for something of this leg: who has its session."""
        return self._of.get(leg) or self.current

    def put(self, leg: str, engine: Engine) -> None:
        """That one has the leg's session from now on."""
        self._of[leg] = engine

    def forget(self, leg: str) -> None:
        """The leg has no session any more."""
        self._of.pop(leg, None)

    def legs(self, engine: Engine) -> set[str]:
        """Those whose sessions it has."""
        return {leg for leg, there in self._of.items() if there is engine}
