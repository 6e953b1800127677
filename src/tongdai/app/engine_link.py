"""What a control process has of the engine: its connection, how far its events were heard, and whether it is
another one than before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tongdai.core.log import get_logger
from tongdai.journal import LocalJournal
from tongdai.media.client import EngineClient
from tongdai.media.events import EngineEvent
from tongdai.media.sessions import Sessions

log = get_logger(__name__)

_HEARD = "engine/heard"


class EngineLink:
    """Hands over the engine's events once the calls are there that they belong to, and no more of them when
    another process goes on."""

    def __init__(
        self,
        media: Sessions,
        journal: LocalJournal,
        *,
        rebuild: Callable[[], None],
        stir: Callable[[], None],
    ) -> None:
        """`rebuild` opens every session again in an engine that knows none; `stir` is called after whatever
        may have made commands."""
        self._media = media
        self._journal = journal
        self._rebuild = rebuild
        self._stir = stir
        self._client: EngineClient | None = None
        self._engine = ""
        self._heard = 0
        self._early: list[EngineEvent] | None = []
        """What came before the calls were taken over."""

    @property
    def client(self) -> EngineClient | None:
        """None before the engine was reached."""
        return self._client

    async def connect(self, path: Path, entries: Mapping[str, bytes]) -> None:
        """Reach the engine on that socket; `entries` are the journal of the process before."""
        self._heard = int(entries.get(_HEARD, b"0"))
        client = await EngineClient.connect(
            path,
            on_event=self._on_event,
            on_engine=self._on_engine,
            on_lost=self._media.lost,
            after=self._heard,
        )
        self.use(client)

    def use(self, client: EngineClient) -> None:
        """Command this engine."""
        self._client = client
        self._media.use(client)

    def catch_up(self) -> None:
        """Calls are taken over: hear what the engine had to tell while no process listened."""
        early, self._early = self._early or [], None
        for event in early:
            self._on_event(event)

    def hear_no_more(self) -> None:
        """What the engine tells from now on, it tells the next process."""
        self._early = []

    def journal(self) -> None:
        """Write which event has had its effect last: the next process asks for those behind it."""
        if self._early is None and self._client is not None and self._client.last_event != self._heard:
            self._heard = self._client.last_event
            self._journal.put(_HEARD, str(self._heard).encode())

    async def close(self) -> None:
        """Let go of the engine; its sessions go on."""
        if self._client is not None:
            await self._client.close()

    def _on_event(self, event: EngineEvent) -> None:
        if self._early is not None:
            self._early.append(event)
        else:
            self._media.on_event(event)
            self._stir()

    def _on_engine(self, engine: str, sessions: int) -> None:
        """Another engine knows nothing of the sessions of the one before: it is told."""
        if engine == self._engine:
            self._media.returned()
        elif self._engine:
            log.error("the media engine was replaced; its sessions are rebuilt")
            self._media.replaced()
            self._rebuild()
            self._stir()
        self._engine = engine
