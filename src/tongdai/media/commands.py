"""The engine's commands, typed. Each is sent at once, in order; the ones that must be known to have worked
return a future (which need not be awaited), the others report failure as the event `Failed`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from tongdai.media import wire


def _given(**fields: Any) -> dict[str, Any]:
    """The fields that have a value: the contract leaves out what is not said."""
    return {name: value for name, value in fields.items() if value is not None}


class Commands:
    """The typed face of `EngineClient`."""

    def send(self, op: str, **fields: Any) -> None:
        raise NotImplementedError

    def request(self, op: str, reply: type[Any] | None = None, **fields: Any) -> asyncio.Future[Any]:
        raise NotImplementedError

    def open(
        self,
        session: str,
        ip: str | None = None,
        port: int | None = None,
        *,
        release: int | None = None,
    ) -> asyncio.Future[wire.Opened]:
        """Open a session, on `port` if that is free; the port `release` is reserved no longer. Fails with
        `EngineRefused`: `no_ports`, `exists`, `bad_ip`."""
        return self.request("open", wire.Opened, **_given(session=session, ip=ip, port=port, release=release))

    def reserve(self, count: int, ip: str | None = None) -> asyncio.Future[wire.Reserved]:
        """Have ports bound, at most `count`, to open sessions on without waiting. The engine lets go of them
        when another controller comes. Fails with `EngineRefused`: `bad_ip`."""
        return self.request("reserve", wire.Reserved, **_given(count=count, ip=ip))

    def open_reserved(self, session: str, port: int) -> asyncio.Future[wire.Opened]:
        """Open a session on a reserved port; the reply brings the next one. Fails with `EngineRefused`:
        `no_ports` (it is not reserved), `exists`."""
        return self.request("open", wire.Opened, session=session, port=port, reserved=True)

    def signal(self, session: str, ip: str, port: int) -> None:
        """Tell where the peer's signalling comes from, whenever that has changed: its sound may come from
        that host too."""
        self.send("signal", session=session, ip=ip, port=port)

    def remote(self, session: str, peer: wire.Remote) -> None:
        """Tell where the peer is and what it speaks. May come again at any time."""
        self.send("remote", session=session, **msgspec.to_builtins(peer))

    def hear(self, session: str, source: wire.EngineSource) -> None:
        """What the session hears while nothing is played to it."""
        self.send("hear", session=session, source=source)

    def play(
        self, session: str, play: str, files: Sequence[str], *, repeat: bool = False
    ) -> asyncio.Future[Any]:
        """Play files (WAV or Ogg/Opus) over the source. Fails with `EngineRefused`: `bad_file`.
        `PlayDone` ends it."""
        return self.request("play", session=session, play=play, files=list(files), repeat=repeat)

    def stop(self, session: str, play: str | None = None) -> None:
        """End the playing (if it is that one)."""
        self.send("stop", **_given(session=session, play=play))

    def seek(
        self, session: str, play: str | None = None, *, ms: int | None = None, by_ms: int | None = None
    ) -> None:
        """Go on elsewhere in what is played (if it is that one): `ms` from its beginning, or `by_ms` from
        where it is. Behind the end it is finished."""
        self.send("seek", **_given(session=session, play=play, ms=ms, by_ms=by_ms))

    def pause(self, session: str, play: str | None = None, *, paused: bool) -> None:
        """Halt what is played (if it is that one), or go on; silence is heard meanwhile."""
        self.send("pause", **_given(session=session, play=play, paused=paused))

    def record(
        self,
        session: str,
        record: str,
        path: str,
        *,
        max_ms: int,
        silence_ms: int | None = None,
        stop_digits: str = "",
        beep_ms: int | None = None,
        both: Literal["mixed", "stereo"] | None = None,
        as_opus: bool = False,
        rate: Literal[8000, 16000] | None = None,
        resume: bool = False,
    ) -> asyncio.Future[Any]:
        """Write what the leg says to `path`, until `RecordDone`; with `both` also what it hears: added up, or
        on a channel of its own. A WAV, or `as_opus` in Ogg, of `rate` Hz, or as wide as the leg's codec. With
        `resume` a WAV goes on behind what an engine that is gone has written."""
        return self.request(
            "record",
            **_given(
                session=session,
                record=record,
                path=path,
                max_ms=max_ms,
                silence_ms=silence_ms,
                stop_digits=stop_digits or None,
                beep_ms=beep_ms,
                both=both,
                format="opus" if as_opus else None,
                rate=rate,
                resume=resume or None,
            ),
        )

    def stop_record(self, session: str, record: str | None = None) -> None:
        """End the recording (if it is that one); `RecordDone` follows with reason `stopped`."""
        self.send("stop_record", **_given(session=session, record=record))

    def pause_record(self, session: str, record: str | None = None, *, paused: bool) -> None:
        """Leave out what comes from now on (a card number), or go on."""
        self.send("pause_record", **_given(session=session, record=record, paused=paused))

    def dtmf(self, session: str, digits: str, *, ms: int = 100, gap_ms: int = 60) -> None:
        """Press keys towards the leg (RFC 4733)."""
        self.send("dtmf", session=session, digits=digits, ms=ms, gap_ms=gap_ms)

    def voice(
        self, session: str, *, gain_db: float | None = None, muted: bool = False, agc: bool = False
    ) -> None:
        """How loud the session is in mixers (decibels, at most 20), or not at all. With `agc` what it says is
        brought to one level for all who need it decoded."""
        self.send("voice", **_given(session=session, gain_db=gain_db, muted=muted, agc=agc))

    def mixer_open(self, mixer: str) -> None:
        """Open a mixer; one that exists already comes back as the event `Failed` with `exists`."""
        self.send("mixer_open", mixer=mixer)

    def mixer_play(self, mixer: str, files: Sequence[str]) -> None:
        """Play files to everybody in the mixer, over the voices."""
        self.send("mixer_play", mixer=mixer, files=list(files))

    def mixer_close(self, mixer: str) -> None:
        """Close a mixer; who was in it hears silence."""
        self.send("mixer_close", mixer=mixer)

    def close_session(self, session: str) -> asyncio.Future[wire.Closed]:
        """Close a session; the reply holds its final counters."""
        return self.request("close", wire.Closed, session=session)

    async def sessions(self) -> wire.Listing:
        """Everything that lives in the engine: sessions and mixers."""
        listing: wire.Listing = await self.request("list", wire.Listing)
        return listing

    async def stats(self, session: str | None = None) -> dict[str, Any]:
        """Counters of one session, or of the whole engine."""
        reply: dict[str, Any] = await self.request("stats", **_given(session=session))
        stats: dict[str, Any] = reply["stats"]
        return stats
