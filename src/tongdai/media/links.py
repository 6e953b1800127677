"""Sound from one engine to another: a session in each, facing each other on this machine's loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise

from tongdai.core.log import get_logger
from tongdai.media import wire
from tongdai.media.engines import Engine
from tongdai.media.errors import EngineError, EngineGone
from tongdai.sdp import G722, OPUS, PCMA, PCMU, TELEPHONE_EVENT, TELEPHONE_EVENT_48000, Codec

log = get_logger(__name__)

_HERE = "127.0.0.1"
_VOICE = {codec.name.upper(): codec for codec in (PCMU, PCMA, G722, OPUS)}
_KEYS = [
    wire.Keys(key.payload_type, clock=key.clock_rate) for key in (TELEPHONE_EVENT, TELEPHONE_EVENT_48000)
]

Spoken = Callable[[str], tuple[Sequence[str], Sequence[Codec]]]
"""The codecs of a leg by their names in capitals, best first, and those that are only passed on, each with a
payload type that no other has."""


class Link:
    """Of the leg `leg`, what it says in the first engine is heard in the second; of a room (empty), the two
    mixers hear each other."""

    def __init__(
        self, name: str, leg: str, ends: tuple[Engine, Engine], sources: tuple[wire.EngineSource, ...]
    ) -> None:
        """Both sessions have that name. `sources` are what they hear."""
        self.name = name
        self.leg = leg
        self.ends = ends
        self.sources = sources
        self.users: set[str] = set()
        """The legs that hear it."""
        self.opened: dict[Engine, wire.Opened] = {}


class Links:
    """Those that are needed."""

    def __init__(self, spoken: Spoken, failed: Callable[[Link, str], None]) -> None:
        """`failed` is told of one that cannot be, and why."""
        self._spoken = spoken
        self._on_failed = failed
        self._links: dict[str, Link] = {}
        self._found: dict[str, dict[Engine, wire.Opened]] = {}

    # what a control process before this one has made

    def found(self, session: wire.SessionInfo, engine: Engine) -> None:
        """A session that is no leg's lives there: it may be half of a link."""
        opened = wire.Opened(_HERE, session.port, session.port + 1)
        self._found.setdefault(session.session, {})[engine] = opened

    def close_strays(self) -> None:
        """What is needed has been asked for: the rest goes."""
        found, self._found = self._found, {}
        for session, engines in found.items():
            for engine in engines:
                engine.client.close_session(session)

    # making

    def of_leg(self, leg: str, there: Engine, here: Engine) -> Link:
        """What sounds `here` as the leg does, whose session is `there`."""
        sources = wire.HearSession(leg), wire.Silence()
        return self._link(f"{leg}@{here.name}", leg, (there, here), sources)

    def of_room(self, mixer: str, engines: Sequence[Engine]) -> None:
        """Let these hear each other, whose mixers are open: each the next one, and so all of them."""
        pairs = pairwise(engines)
        wanted = {f"{mixer}@{one.name}-{other.name}": (one, other) for one, other in pairs}
        for link in tuple(self._links.values()):
            if link.name.startswith(f"{mixer}@") and link.name not in wanted:
                self.drop(link)
        for name, ends in wanted.items():
            self._link(name, "", ends, (wire.HearMixer(mixer), wire.HearMixer(mixer)))

    def _link(
        self, name: str, leg: str, ends: tuple[Engine, Engine], sources: tuple[wire.EngineSource, ...]
    ) -> Link:
        link = self._links.get(name)
        if link is not None and link.ends == ends:
            return link
        if link is not None:
            self.drop(link)
        link = self._links[name] = Link(name, leg, ends, sources)
        found = self._found.pop(name, {})
        if found.keys() == set(ends):
            link.opened = found
            return link
        for engine in found:
            engine.client.close_session(name)
        for engine, source in zip(ends, sources, strict=True):
            self._open(link, engine)
            engine.client.hear(name, source)
        return link

    def _open(self, link: Link, engine: Engine) -> None:
        def opened(future: asyncio.Future[wire.Opened]) -> None:
            if self._links.get(link.name) is not link:
                return
            try:
                link.opened[engine] = future.result()
            except EngineGone:
                if engine.client.connected:
                    self._fail(link, "no_engine")
            except EngineError as error:
                self._fail(link, str(error))
            else:
                self._face(link)

        engine.client.open(link.name, _HERE).add_done_callback(opened)

    def _fail(self, link: Link, why: str) -> None:
        log.error("sound cannot go from one engine to another", link=link.name, error=why)
        self.drop(link)
        self._on_failed(link, why)

    def _face(self, link: Link) -> None:
        """Tell both of each other: of a leg every codec that there is, first what it speaks, so that nothing
        is decoded for the way."""
        if len(link.opened) < 2:
            return
        names, foreign = self._spoken(link.leg) if link.leg else ((), ())
        names = [name for name in names if name in _VOICE]
        voice = [_VOICE[name] for name in dict.fromkeys((*names, *_VOICE))] if link.leg else [G722]
        one, other = link.ends
        both: list[wire.Direction] = ["sendonly", "recvonly"] if link.leg else ["sendrecv", "sendrecv"]
        for engine, there, direction in zip((one, other), (other, one), both, strict=True):
            at = link.opened[there]
            peer = wire.Remote(
                at.ip,
                at.port,
                rtcp_port=at.rtcp_port,
                codecs=[wire.Codec(x.name, x.payload_type, fmtp=x.fmtp) for x in voice],
                foreign=[wire.Foreign(x.name, x.clock_rate, x.payload_type) for x in foreign],
                dtmf=_KEYS if link.leg else [],
                direction=direction,
            )
            engine.client.remote(link.name, peer)

    # changes

    def changed(self, leg: str) -> None:
        """The leg speaks something else."""
        for link in self._links.values():
            if link.leg == leg:
                self._face(link)

    def used(self, leg: str, link: Link | None) -> None:
        """The leg hears this one, or none: what nobody hears any more is dropped."""
        for other in tuple(self._links.values()):
            if other is not link and leg in other.users:
                other.users.discard(leg)
                if not other.users:
                    self.drop(other)
        if link is not None:
            link.users.add(leg)

    def over(self, leg: str) -> None:
        """The leg is gone: nobody hears it, nor does it hear anybody."""
        self.used(leg, None)
        for link in tuple(self._links.values()):
            if link.leg == leg:
                self.drop(link)

    def lost(self, engine: Engine) -> list[str]:
        """An engine is gone, with half of its links: returns who heard the other half."""
        users: list[str] = []
        for link in tuple(self._links.values()):
            if engine in link.ends:
                users += link.users
                self.drop(link)
        return users

    def drop(self, link: Link) -> None:
        if self._links.pop(link.name, None) is link:
            for engine in link.ends:
                engine.client.close_session(link.name)

    def failed(self, session: str, why: str) -> None:
        """A session has failed, which may be half of a link."""
        if (link := self._links.get(session)) is not None:
            self._fail(link, why)
