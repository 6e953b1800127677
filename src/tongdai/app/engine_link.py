"""What a control process has of the engines: its connections, how far their events were heard, and whether
one is another than before."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path

from tongdai.core.log import get_logger
from tongdai.journal import LocalJournal
from tongdai.media.client import EngineClient
from tongdai.media.errors import EngineGone
from tongdai.media.events import EngineEvent
from tongdai.media.sessions import Sessions

log = get_logger(__name__)

_HEARD = "engine/heard"


class EngineLink:
    """Hands over the engines' events once the calls are there that they belong to, and no more of them when
    another process goes on."""

    def __init__(
        self,
        media: Sessions,
        journal: LocalJournal,
        *,
        rebuild: Callable[[Container[str], EngineClient], None],
        stir: Callable[[], None],
    ) -> None:
        """`rebuild(legs, client)` opens the sessions of these legs again, which the engine of that client has
        no more; `stir` is called after whatever may have made commands."""
        self._media = media
        self._journal = journal
        self._rebuild = rebuild
        self._stir = stir
        self._holds: list[_Hold] = []
        self._early: list[EngineEvent] | None = []
        """What came before the calls were taken over."""

    @property
    def client(self) -> EngineClient | None:
        """That of the engine in which sessions are opened. None before it was reached."""
        return self._holds[0].client if self._holds else None

    async def connect(self, path: Path, former: Sequence[Path], entries: Mapping[str, bytes]) -> None:
        """Reach the engine on that socket, and those that an upgrade has left; `entries` are the journal of
        the process before. Raises `EngineGone`."""
        await self._reach(path, entries, lasting=True)
        for other in former:
            try:
                await self._reach(other, entries, lasting=False)
            except EngineGone:
                log.info("an engine of before has ended", socket=str(other))
                self._journal.delete(_heard_key(other))

    async def _reach(self, path: Path, entries: Mapping[str, bytes], *, lasting: bool) -> None:
        key = _heard_key(path)
        hold = _Hold(key, heard=int(entries.get(key, b"0")))
        client = await EngineClient.connect(
            path,
            on_event=self._on_event,
            on_engine=lambda engine, sessions: self._on_engine(hold, engine),
            on_lost=lambda: self._on_lost(hold, lasting),
            after=hold.heard,
            lasting=lasting,
        )
        self._use(hold, client, path.stem)

    def use(self, client: EngineClient) -> None:
        """Command this engine."""
        self._use(_Hold(_HEARD), client, "engine")

    def _use(self, hold: _Hold, client: EngineClient, name: str) -> None:
        hold.client = client
        self._holds.append(hold)
        self._media.use(client, name)

    def catch_up(self) -> None:
        """Calls are taken over: hear what the engines had to tell while no process listened."""
        early, self._early = self._early or [], None
        for event in early:
            self._on_event(event)
        self._media.caught_up()

    def hear_no_more(self) -> None:
        """What the engines tell from now on, they tell the next process."""
        self._early = []

    def journal(self) -> None:
        """Write which event of each has had its effect last: the next process asks for those behind it."""
        if self._early is not None:
            return
        for hold in self._holds:
            if hold.client is not None and hold.client.last_event != hold.heard:
                hold.heard = hold.client.last_event
                self._journal.put(hold.key, str(hold.heard).encode())

    async def close(self) -> None:
        """Let go of the engines; their sessions go on."""
        for hold in self._holds:
            if hold.client is not None:
                await hold.client.close()

    def _on_event(self, event: EngineEvent) -> None:
        if self._early is not None:
            self._early.append(event)
        else:
            self._media.on_event(event)
            self._stir()

    def _on_engine(self, hold: _Hold, engine: str) -> None:
        """Another engine knows nothing of the sessions of the one before: it is told."""
        if hold.client is not None and engine == hold.engine:
            self._media.returned(hold.client)
        elif hold.client is not None:
            log.error("the media engine was replaced; its sessions are rebuilt")
            self._move(hold.client)
        hold.engine = engine

    def _on_lost(self, hold: _Hold, lasting: bool) -> None:
        """One that an upgrade has left ends with its last session, or before: then those that it had are
        opened in the current one."""
        if hold.client is None:
            return
        self._media.lost(hold.client)
        if not lasting:
            self._holds.remove(hold)
            self._journal.delete(hold.key)
            self._move(hold.client)

    def _move(self, client: EngineClient) -> None:
        legs = self._media.replaced(client)
        self._rebuild(legs, client)
        self._stir()


class _Hold:
    """One engine: its client once it is used, its id, and the last of its events that had its effect."""

    def __init__(self, key: str, heard: int = 0) -> None:
        """`key` is that of its entry in the journal."""
        self.key = key
        self.heard = heard
        self.client: EngineClient | None = None
        self.engine = ""


def _heard_key(path: Path) -> str:
    """`engine.sock` has the entry that was there before there could be others."""
    return _HEARD + path.stem.removeprefix("engine")
