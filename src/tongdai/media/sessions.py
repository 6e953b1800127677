"""The sound of legs: each leg is one session of the engine, under the leg's own id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls import facts as f
from tongdai.calls.model import Source
from tongdai.core.log import get_logger
from tongdai.journal.port import Journal
from tongdai.media import events as ev
from tongdai.media import wire
from tongdai.media.client import EngineClient
from tongdai.media.engines import Engine, Engines
from tongdai.media.errors import EngineError, EngineGone, EngineRefused
from tongdai.media.hearing import Hearing
from tongdai.media.players import Players, Prompts
from tongdai.media.recorders import Recorders, Recordings
from tongdai.sdp import Codec, Negotiated, NegotiatedCodec, Secured

log = get_logger(__name__)


class Sessions:
    """Carries out the media commands of the call logic and reports keys, ends of playing and recordings."""

    def __init__(
        self,
        prompts: Prompts,
        recordings: Recordings,
        journal: Journal,
        post: Callable[[str, e.Event], None],
        note: Callable[[str, str, f.Fact], None],
        clock: Callable[[], float],
    ) -> None:
        """`note(tenant, call, fact)` writes what was measured of a leg into the call's log."""
        self._clock = clock
        self.on_gone: Callable[[str, str], None] = lambda leg, why: None
        """Told of a leg that can have no sound any more, and why: its peer is gone, or not who it says."""
        self.on_secured: Callable[[str], None] = lambda leg: None
        """Told of a leg whose peer has proven itself by a handshake."""
        self.spoken: Callable[[str], tuple[Sequence[str], Sequence[Codec]]] = lambda leg: ((), ())
        """The codecs of a leg (`links.Spoken`)."""
        self._engines = Engines(self._not_opened)
        self._post = post
        self._note = note
        self._calls: dict[str, str] = {}
        self._tenants: dict[str, str] = {}
        self._opening: dict[str, Callable[[wire.Opened | None, str], None]] = {}
        """Who waits for the session of a leg: when it was asked for again, only who asked last."""
        self._silenced: dict[str, float] = {}
        """Legs whose peers an engine after the first does not know yet, and when that one was lost."""
        silenced = self._silenced.__contains__
        self._players = Players(self._engines.asked, prompts, post, clock, silenced)
        self._recorders = Recorders(self._engines.asked, recordings, journal, post, clock, silenced)
        self._hearing = Hearing(self._engines, prompts, lambda leg: self.spoken(leg), self._gone)
        self._early: list[ev.EngineEvent] | None = []
        self._found: dict[str, wire.SessionInfo] = {}
        self._orphaned = 0

    def use(self, engine: EngineClient, name: str = "engine") -> None:
        """Say which engine to command, before the first leg; then, which others have legs of before. `name`
        is that of no other, and the same for the control process after this one."""
        self._engines.add(engine, name)

    def fingerprint(self, leg: str) -> str:
        """Of the certificate of the leg's engine, for SDP."""
        return self._engines.asked(leg).client.fingerprint

    def metrics(self) -> dict[str, float]:
        """For Prometheus, by name."""
        former = [engine for engine in self._engines if engine is not self._engines.current]
        return {
            "former_engines": len(former),
            "legs_on_former_engines": sum(len(self._engines.legs(engine)) for engine in former),
            "sessions_orphaned": self._orphaned,
        }

    # a leg's session

    def open(
        self,
        tenant: str,
        leg: str,
        done: Callable[[wire.Opened | None, str], None],
        ip: str | None = None,
        port: int | None = None,
    ) -> None:
        """Open a session on the address `ip`, or the engine's own, and on `port` if that is free;
        `done(opened, "")`, or `done(None, code)` with the engine's error (`no_ports` …): at once where a port
        is reserved. While no engine is there, the next one is waited for.
        """
        engine = self._engines.current
        self._tenants[leg] = tenant
        self._engines.put(leg, engine)
        if port is None and (there := engine.reserve.open(leg, ip)) is not None:
            done(there, "")
            return
        self._opening[leg] = done

        def ended(opened: wire.Opened | None, code: str) -> None:
            if self._opening.get(leg) is done:
                del self._opening[leg]
                if opened is None:
                    self._tenants.pop(leg, None)
                    self._engines.forget(leg)
                    self._hearing.forget(leg)
                done(opened, code)

        def later(is_there: bool) -> None:
            if not is_there:
                ended(None, "no_engine")
            elif self._opening.get(leg) is done:
                self.open(tenant, leg, done, ip, port)

        def ask(release: int | None = None) -> None:
            engine.client.open(leg, ip, port, release=release).add_done_callback(finished)

        def finished(future: asyncio.Future[wire.Opened]) -> None:
            try:
                ended(future.result(), "")
            except EngineRefused as error:
                there = None
                if error.code == "no_ports" and self._opening.get(leg) is done:
                    # the last ones, if it was after this that they were reserved, or for other addresses
                    there = engine.reserve.open(leg, ip)
                    if there is None and (release := engine.reserve.give_up()) is not None:
                        ask(release)
                        return
                ended(there, "" if there is not None else error.code)
            except EngineError:
                engine.outage.wait(later)

        ask()

    # an engine that is gone

    def lost(self, client: EngineClient) -> None:
        """An engine went away: what was being played there has come as far as now."""
        engine = self._engines.by(client)
        engine.lost_at = self._clock()
        engine.reserve.lost()

    def returned(self, client: EngineClient) -> None:
        """It is the same engine again: what was asked meanwhile has failed."""
        engine = self._engines.by(client)
        engine.lost_at = None
        engine.outage.end(False)
        for leg in engine.reserve.renewed():
            self._not_opened(leg, "the connection to the engine broke")

    def replaced(self, client: EngineClient) -> set[str]:
        """That engine is gone, with the sessions of these legs. The owner opens them again, tells where their
        peers are, and what they hear; what was played and recorded goes on with the first `remote`."""
        engine = self._engines.by(client)
        legs = self._engines.legs(engine)
        engine.reserve.renewed()
        self._hearing.lost(engine)
        lost_at = self._clock() if engine.lost_at is None else engine.lost_at
        self.silence(legs, lost_at)
        self._recorders.replaced(engine, self._tenants.__contains__)
        return legs

    def silence(self, legs: Iterable[str], since: float | None = None) -> None:
        """These legs have no session any more, since that time or now. See `replaced`."""
        self._silenced.update(dict.fromkeys(legs, self._clock() if since is None else since))

    def rebuilt(self, client: EngineClient | None = None) -> None:
        """Sessions have their ports again, those of this engine or some that were in none: who heard them
        does again, and what waited may have some too. An engine that was left by an upgrade is forgotten."""
        self._hearing.again()
        if client is not None:
            engine = self._engines.by(client)
            engine.outage.end(True)
            if engine is not self._engines.current:
                self._engines.remove(engine)

    def signal(self, leg: str, ip: str, port: int) -> None:
        """Where the peer signals from; a link-local address without its zone."""
        if leg in self._tenants:
            self._engines.asked(leg).client.signal(leg, ip.partition("%")[0], port)

    def remote(self, leg: str, agreed: Negotiated) -> None:
        """Where the peer is and what it speaks."""
        peer = wire.Remote(
            agreed.remote_host,
            agreed.remote_port,
            rtcp_port=agreed.remote_rtcp_port,
            codecs=[wire.Codec(x.name, x.send_pt, _other(x), x.fmtp) for x in agreed.codecs if x.is_known],
            foreign=[
                wire.Foreign(x.name, x.clock_rate, x.send_pt, _other(x))
                for x in agreed.codecs
                if not x.is_known
            ],
            dtmf=[wire.Keys(x.send_pt, _other(x), x.clock_rate) for x in agreed.dtmf],
            cn=wire.Noise(agreed.noise.send_pt, _other(agreed.noise)) if agreed.noise is not None else None,
            srtp=wire.Srtp(*msgspec.structs.astuple(agreed.srtp)) if agreed.srtp is not None else None,
            dtls=_dtls(agreed.secured) if agreed.secured is not None else None,
            ice=_ice(agreed.secured) if agreed.secured is not None else None,
            rtcp_mux=agreed.rtcp_mux,
            direction=agreed.direction,
            ptime=agreed.ptime,
            tag=self._tenants.get(leg),
        )
        self._engines.asked(leg).client.remote(leg, peer)
        self._hearing.links.changed(leg)
        if (lost_at := self._silenced.pop(leg, None)) is not None:
            self._players.go_on(leg, lost_at)
            self._recorders.go_on(leg)

    def close(self, leg: str) -> None:
        """The leg is gone. A recording of it is still reported, and how good its sound was."""
        tenant = self._tenants.pop(leg, None)
        if tenant is None:
            return
        engine = self._engines.asked(leg)
        self._opening.pop(leg, None)
        self._players.stop(leg)
        self._silenced.pop(leg, None)
        self._calls[leg] = ""

        def closed(future: asyncio.Future[wire.Closed]) -> None:
            call = self._calls.pop(leg, "")
            if call and not future.cancelled() and future.exception() is None:
                stats = future.result().stats
                if stats.rx_packets or stats.tx_packets:
                    self._note(tenant, call, _measured(leg, stats))

        engine.client.close_session(leg).add_done_callback(closed)
        self._engines.forget(leg)
        self._hearing.forget(leg)

    def ended(self, call: str, leg: str) -> None:
        """In which call a leg that is being closed ended: what is measured of it belongs there."""
        if leg in self._calls:
            self._calls[leg] = call

    async def adopt(self, legs: dict[str, str], entries: Mapping[str, bytes]) -> set[str]:
        """At the start: claim the sessions of these legs (leg → tenant), close all others, and take over the
        recordings in the journal. Returns the legs whose session lives. Events of the engine wait for this,
        since nobody would know their legs before.
        """
        recorded: dict[str, Engine] = {}
        for engine in self._engines:
            try:
                listing = await engine.client.sessions()
            except EngineGone:
                if engine is self._engines.current:
                    raise
                continue  # it ended with its last session, or its legs are silent
            engine.mixers = set(listing.mixers)
            for session in listing.sessions:
                leg = session.session
                if session.record:
                    recorded[session.record] = engine
                if leg not in legs:
                    self._hearing.links.found(session, engine)
                elif leg in self._found:  # a newer one has it already
                    engine.client.close_session(leg)
                else:
                    self._found[leg] = session
                    self._tenants[leg] = legs[leg]
                    self._engines.put(leg, engine)
        self._recorders.restore(entries, recorded)
        early, self._early = self._early or [], None
        for event in early:
            self.on_event(event)
        return set(self._found)

    def adopted(self) -> None:
        """What the legs hear was told: what nobody has asked for by now is of no use."""
        self._hearing.links.close_strays()

    def caught_up(self) -> None:
        """What the engines had to tell before we came was heard."""
        self._recorders.caught_up(self._tenants.__contains__)

    def was_told(self, leg: str, play: str) -> bool:
        """Whether the engine had this playing from the process before us, or has it from us."""
        found = self._found.get(leg)
        return (found is not None and found.play == play) or self.plays(play)

    def heard(self, tenant: str, leg: str, source: Source) -> None:
        """The leg hears this, as the process before us may have told its engine already."""
        found = self._found.get(leg)
        self._hearing.hear(tenant, leg, source, found.source if found is not None else None)

    # commands of the call logic

    def hear(self, tenant: str, command: c.Hear) -> None:
        if command.leg in self._tenants:
            self._hearing.hear(tenant, command.leg, command.source)

    def play(self, tenant: str, command: c.Play) -> None:
        if command.leg in self._tenants:
            self._players.begin(tenant, command)

    def stop_play(self, leg: str) -> None:
        self._players.stop(leg)
        if leg in self._tenants:
            self._engines.asked(leg).client.stop(leg)

    def plays(self, play: str) -> bool:
        """Whether this is being played, or will be."""
        return self._players.plays(play)

    def record(self, tenant: str, command: c.Record) -> None:
        self._recorders.begin(tenant, command)

    def records(self, record: str) -> bool:
        """Whether this recording is in progress here."""
        return self._recorders.records(record)

    def stop_record(self, leg: str) -> None:
        self._recorders.stop(leg)
        self._engines.asked(leg).client.stop_record(leg)

    def send_digit(self, leg: str, digit: str) -> None:
        if leg in self._tenants:
            self._engines.asked(leg).client.dtmf(leg, digit)

    def chime(self, tenant: str, room: str, joined: bool) -> None:
        self._hearing.chime(tenant, room, joined)

    def close_room(self, tenant: str, room: str) -> None:
        self._hearing.close_room(tenant, room)

    # events of the engine

    def on_event(self, event: ev.EngineEvent) -> None:
        """Translate an event of the engine for the call logic."""
        if self._early is not None:
            self._early.append(event)
            return
        match event:
            case ev.Dtmf(session=leg, digit=digit):
                self._report(leg, e.LegDigit(leg, digit))
            case ev.PlayDone(session=leg, play=play, reason="finished"):
                self._players.ended(leg, play)
                self._report(leg, e.PlayDone(leg, play))
            case ev.PlayDone(session=leg, play=play, reason="failed", detail=detail):
                self._players.ended(leg, play)
                log.error("a file could not be played", leg=leg, tenant=self._tenants.get(leg), error=detail)
                self._report(leg, e.PlayDone(leg, play, failed=True))
            case ev.RecordDone():
                self._recorders.done(event)
            case ev.Quiet(session=leg, ms=ms, lack=lack):
                self._report(leg, e.LegUnheard(leg, lack, ms))
            case ev.Heard(session=leg, ms=ms):
                self._report(leg, e.LegHeard(leg, ms))
            case ev.Secured(session=leg):
                self.on_secured(leg)
            case ev.Insecure(session=leg, detail=detail):
                log.warning("no keys for a leg", leg=leg, tenant=self._tenants.get(leg), error=detail)
                self._gone(leg, f"no_keys {detail}")
            case ev.Expired(session=leg, ms=ms):
                log.info("the browser of a leg is gone", leg=leg, tenant=self._tenants.get(leg))
                self._gone(leg, f"browser_gone {round(ms / 1000)}")
            case ev.Failed(op="session" | "mixer"):
                leg = event.session or ""
                tenant = self._tenants.get(leg)
                log.error("the engine failed", leg=leg, tenant=tenant, mixer=event.mixer, detail=event.detail)
                # whoever comes next opens it anew
                self._engines.asked(leg).mixers.discard(event.mixer or "")
                self._hearing.links.failed(leg, event.detail)
                self._gone(leg, f"sound_failed {event.detail}")
            case ev.Failed():
                log.warning(
                    "the engine refused a command", op=event.op, error=event.error, detail=event.detail
                )
            case ev.Orphaned(session=leg):
                self._orphaned += 1
                log.warning("the engine ended a session that nobody claimed", leg=leg)
            case _:
                pass

    def _not_opened(self, leg: str, detail: str) -> None:
        if (tenant := self._tenants.get(leg)) is not None:
            log.error("a session was not opened", leg=leg, tenant=tenant, error=detail)
            self.on_gone(leg, f"sound_failed {detail}")

    def _gone(self, leg: str, why: str) -> None:
        if leg in self._tenants:
            self.on_gone(leg, why)

    def _report(self, leg: str, event: e.Event) -> None:
        tenant = self._tenants.get(leg)
        if tenant is not None:
            self._post(tenant, event)


def _measured(leg: str, stats: wire.Stats) -> f.LegMeasured:
    lost, heard_lost = max(stats.rx_lost, 0), stats.tx_lost
    reported = stats.tx_packets if stats.tx_reported is None else stats.tx_reported
    return f.LegMeasured(
        leg,
        mos=stats.rx_mos,
        heard_mos=stats.tx_mos,
        lost=_share(lost, stats.rx_packets + lost),
        jitter_ms=round(stats.rx_jitter_ms, 1),
        round_trip_ms=None if stats.rtt_ms is None else round(stats.rtt_ms, 1),
        concealed=_share(stats.concealed_ms, stats.heard_ms) if stats.heard_ms else None,
        heard_lost=None if heard_lost is None else _share(max(heard_lost, 0), reported),
        heard_jitter_ms=None if stats.tx_jitter_ms is None else round(stats.tx_jitter_ms, 1),
    )


def _share(part: int, whole: int) -> float:
    return round(part / max(whole, 1), 4)


def _other(codec: NegotiatedCodec) -> int | None:
    """The number it arrives under, when that is another one than it is sent under."""
    return codec.receive_pt if codec.receive_pt != codec.send_pt else None


def _dtls(secured: Secured) -> wire.Dtls:
    return wire.Dtls(secured.setup, secured.fingerprints)


def _ice(secured: Secured) -> wire.Ice | None:
    if secured.ice is None or secured.remote_ice is None:
        return None
    return wire.Ice(secured.ice.ufrag, secured.ice.pwd, secured.remote_ice.ufrag)
