"""What legs hear, be it in their own engine or in another."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tongdai.calls.model import Echo, Hears, InRoom, Music, RingTone, Silence, Source
from tongdai.media import wire
from tongdai.media.engines import Engine, Engines
from tongdai.media.links import Link, Links, Spoken
from tongdai.media.players import Prompts


class _Hearing(msgspec.Struct):
    """What a leg hears; `told` is what its engine was told, None when that has to be said again."""

    tenant: str
    source: Source
    told: wire.EngineSource | None = None


class Hearing:
    """Tells each engine, and makes links where those who hear each other are in two of them."""

    def __init__(
        self, engines: Engines, prompts: Prompts, spoken: Spoken, gone: Callable[[str, str], None]
    ) -> None:
        """`gone(leg, why)` is told of a leg that cannot hear what it shall."""
        self._engines = engines
        self._prompts = prompts
        self._gone = gone
        self.links = Links(spoken, self._failed)
        self._legs: dict[str, _Hearing] = {}
        self._rooms: dict[str, set[str]] = {}
        """By their mixers, who is in them."""

    def hear(self, tenant: str, leg: str, source: Source, known: object = None) -> None:
        """Let the leg, which has a session, hear this. `known` is what its engine was told of it by a control
        process before this one, as plain data: it is not told twice."""
        before = self._legs.get(leg)
        if before is not None and before.source != source:
            self._leave(leg, before)
        self._legs[leg] = hearing = _Hearing(tenant, source)
        self._tell(leg, hearing, known)
        if isinstance(source, InRoom):
            mixer = _mixer(tenant, source)
            self._rooms.setdefault(mixer, set()).add(leg)
            self._join(mixer)

    def forget(self, leg: str) -> None:
        """The leg is over."""
        hearing = self._legs.pop(leg, None)
        if hearing is not None:
            self._leave(leg, hearing)
        self.links.over(leg)

    def _tell(self, leg: str, hearing: _Hearing, known: object = None) -> None:
        here = self._engines.asked(leg)
        source, link = self._source(hearing, here)
        self.links.used(leg, link)
        if source == hearing.told:
            return
        hearing.told = source
        if known is None or known != msgspec.to_builtins(source):
            here.client.hear(leg, source)

    def _source(self, hearing: _Hearing, here: Engine) -> tuple[wire.EngineSource, Link | None]:
        """What that is in this engine, and the link that it comes over."""
        match hearing.source:
            case Silence():
                return wire.Silence(), None
            case Hears(leg):
                there = self._engines.of(leg)
                if there is None or there is here:
                    return wire.HearSession(leg), None
                link = self.links.of_leg(leg, there, here)
                return wire.HearSession(link.name), link
            case Music():
                return wire.Music(str(self._prompts.music(hearing.tenant))), None
            case Echo():
                return wire.Echo(), None
            case RingTone():
                return wire.Tone("ringback"), None
            case InRoom() as room:
                mixer = _mixer(hearing.tenant, room)
                if mixer not in here.mixers:
                    here.mixers.add(mixer)
                    here.client.mixer_open(mixer)
                return wire.HearMixer(mixer), None

    # rooms

    def _leave(self, leg: str, hearing: _Hearing) -> None:
        """If it was in a room, it is no more."""
        if not isinstance(hearing.source, InRoom):
            return
        mixer = _mixer(hearing.tenant, hearing.source)
        members = self._rooms.get(mixer, set())
        members.discard(leg)
        if not members:
            self._rooms.pop(mixer, None)
        self._join(mixer)

    def _join(self, mixer: str) -> None:
        """Let all members hear each other, in whichever engines they are."""
        if len(self._engines) > 1:
            here = {self._engines.of(leg) for leg in self._rooms.get(mixer, ())}
            self.links.of_room(mixer, [engine for engine in self._engines if engine in here])

    def chime(self, tenant: str, room: str, joined: bool) -> None:
        """Once, in the oldest: the others hear that over their links."""
        mixer = _mixer(tenant, InRoom(room))
        oldest = next((engine for engine in reversed([*self._engines]) if mixer in engine.mixers), None)
        if oldest is not None:
            oldest.client.mixer_play(mixer, [str(self._prompts.chime(joined))])

    def close_room(self, tenant: str, room: str) -> None:
        mixer = _mixer(tenant, InRoom(room))
        self.links.of_room(mixer, ())
        for engine in self._engines:
            if mixer in engine.mixers:
                engine.mixers.discard(mixer)
                engine.client.mixer_close(mixer)

    # engines that are gone

    def lost(self, engine: Engine) -> None:
        """What was in this engine is gone. Who heard it is told anew by `again`."""
        engine.mixers.clear()
        for leg in self.links.lost(engine):
            if leg in self._legs:
                self._legs[leg].told = None

    def again(self) -> None:
        """Legs have their sessions in other engines than before: tell who does not hear what he should."""
        for leg, hearing in tuple(self._legs.items()):
            self._tell(leg, hearing)
        for mixer in tuple(self._rooms):
            self._join(mixer)

    def _failed(self, link: Link, why: str) -> None:
        for leg in tuple(link.users):
            self._gone(leg, f"sound_failed {why}")


def _mixer(tenant: str, room: InRoom) -> str:
    return f"{tenant}/{room.room}"
