"""The Python client against the contract: the golden vectors, and the engine itself (docs/engine.md)."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace as like
from tests.interop.ports import free_port

from tongdai.core.binary import engine_binary
from tongdai.media import EngineClient, EngineEvent, EngineRefused, events, wire
from tongdai.media.commands import Commands

FOLDER = Path(__file__).parent


def vectors(kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{kind}.json").read_text("utf-8"))
    return found


class Pen(Commands):
    """Writes commands down instead of sending them."""

    def __init__(self) -> None:
        self.written: list[dict[str, Any]] = []

    def send(self, op: str, **fields: Any) -> None:
        self.written.append(msgspec.to_builtins({"op": op, **fields}))

    def request(self, op: str, reply: type[Any] | None = None, **fields: Any) -> asyncio.Future[Any]:
        self.send(op, **fields)
        return asyncio.get_running_loop().create_future()


OPUS_WISHES = "maxplaybackrate=16000;useinbandfec=1"
CODECS = [wire.Codec("PCMA", 8), wire.Codec("PCMU", 0)]
PLAIN = wire.Remote("192.0.2.7", 40000, CODECS, "sendrecv", ptime=20)
KEYS = [wire.Keys(101)]

COMMANDS: dict[str, Callable[[Commands], object]] = {
    "open": lambda do: do.open("s-1"),
    "open at an address": lambda do: do.open("s-1", "2001:db8::1"),
    "signal": lambda do: do.signal("s-1", "198.51.100.4", 5060),
    "open again": lambda do: do.open("s-1", "192.0.2.1", 20000),
    "remote": lambda do: do.remote("s-1", like(PLAIN, dtmf=KEYS)),
    "remote with everything": lambda do: do.remote(
        "s-1",
        like(
            PLAIN,
            ptime=30,
            rtcp_ip="192.0.2.8",
            rtcp_port=40101,
            dtmf=KEYS,
            direction="sendonly",
            tag="anphat/call-7/leg-2",
        ),
    ),
    "remote with keys": lambda do: do.remote(
        "s-1",
        like(
            PLAIN,
            dtmf=KEYS,
            srtp=wire.Srtp(
                "AES_CM_128_HMAC_SHA1_80",
                "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
                "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR",
            ),
        ),
    ),
    "remote of wide band": lambda do: do.remote(
        "s-1",
        like(
            PLAIN,
            codecs=[wire.Codec("opus", 107, 111, OPUS_WISHES), wire.Codec("G722", 9)],
            dtmf=[wire.Keys(110, clock=48000), wire.Keys(96, 101)],
        ),
    ),
    "remote without events": lambda do: do.remote("s-1", like(PLAIN, direction="recvonly")),
    "remote on hold": lambda do: do.remote("s-1", like(PLAIN, dtmf=KEYS, direction="inactive")),
    "play": lambda do: do.play("s-1", "p-1", ["/prompts/en/welcome.wav", "/prompts/vi/chào.wav"]),
    "play for ever": lambda do: do.play("s-1", "p-2", ["/a.wav"], repeat=True),
    "stop": lambda do: do.stop("s-1"),
    "stop one": lambda do: do.stop("s-1", "p-1"),
    "record": lambda do: do.record(
        "s-1",
        "r-1",
        "/var/lib/voicemail/Đặng.wav",
        max_ms=180000,
        silence_ms=5000,
        stop_digits="#",
        beep_ms=400,
    ),
    "record plainly": lambda do: do.record("s-1", "r-1", "/var/lib/voicemail/Đặng.wav", max_ms=180000),
    "record on": lambda do: do.record(
        "s-1",
        "r-1",
        "/var/lib/voicemail/Đặng.wav",
        max_ms=180000,
        silence_ms=5000,
        stop_digits="#",
        resume=True,
    ),
    "stop_record": lambda do: do.stop_record("s-1"),
    "stop_record one": lambda do: do.stop_record("s-1", "r-1"),
    "dtmf": lambda do: do.dtmf("s-1", "12*#D"),
    "voice": lambda do: do.voice("s-1", gain_db=-6.5),
    "voice muted": lambda do: do.voice("s-1", muted=True),
    "voice levelled": lambda do: do.voice("s-1", agc=True),
    "remote of a browser": lambda do: do.remote(
        "s-1",
        like(
            PLAIN,
            ip="0.0.0.0",
            port=9,
            dtmf=KEYS,
            dtls=wire.Dtls(
                "passive",
                [
                    (
                        "sha-256 19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:"
                        "BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:88:A2"
                    )
                ],
            ),
            ice=wire.Ice("Wq3r", "Q3JvY3VzIHZlcm51cyBzdW50", "9uB6"),
            rtcp_mux=True,
        ),
    ),
    "remote with a foreign codec": lambda do: do.remote(
        "s-1", like(PLAIN, codecs=[], foreign=[wire.Foreign("G729", 8000, 18)], dtmf=KEYS)
    ),
    "remote with comfort noise": lambda do: do.remote("s-1", like(PLAIN, dtmf=KEYS, cn=wire.Noise(13))),
    "record of both in stereo": lambda do: do.record(
        "s-1", "r-1", "/var/lib/voicemail/Đặng.wav", max_ms=180_000, both="stereo"
    ),
    "record of both": lambda do: do.record(
        "s-1", "r-1", "/var/lib/voicemail/Đặng.wav", max_ms=180_000, both="mixed"
    ),
    "record as opus": lambda do: do.record(
        "s-1", "r-1", "/var/lib/voicemail/Đặng.wav", max_ms=180000, both="stereo", as_opus=True, rate=16000
    ),
    "pause_record": lambda do: do.pause_record("s-1", paused=True),
    "pause_record to go on": lambda do: do.pause_record("s-1", "r-1", paused=False),
    "seek": lambda do: do.seek("s-1", "p-1", ms=90_000),
    "seek back": lambda do: do.seek("s-1", "p-1", by_ms=-5_000),
    "pause": lambda do: do.pause("s-1", "p-1", paused=True),
    "pause to go on": lambda do: do.pause("s-1", paused=False),
    "reserve": lambda do: do.reserve(32, "192.0.2.1"),
    "open on a reserved port": lambda do: do.open_reserved("s-1", 20_000),
    "open where nothing is reserved": lambda do: do.open("s-1", release=20_000),
    "mixer_open": lambda do: do.mixer_open("m-1"),
    "mixer_play": lambda do: do.mixer_play("m-1", ["/prompts/joined.wav"]),
    "mixer_close": lambda do: do.mixer_close("m-1"),
    "close": lambda do: do.close_session("s-1"),
    "list": lambda do: asyncio.ensure_future(do.sessions()),
    "stats of a session": lambda do: asyncio.ensure_future(do.stats("s-1")),
    "stats of the engine": lambda do: asyncio.ensure_future(do.stats()),
    "hear silence": lambda do: do.hear("s-1", wire.Silence()),
    "hear echo": lambda do: do.hear("s-1", wire.Echo()),
    "hear session": lambda do: do.hear("s-1", wire.HearSession("s-2")),
    "hear mixer": lambda do: do.hear("s-1", wire.HearMixer("m-1")),
    "hear music": lambda do: do.hear("s-1", wire.Music("/var/lib/music/hold.wav")),
    "hear tone ringback": lambda do: do.hear("s-1", wire.Tone("ringback")),
    "hear tone busy": lambda do: do.hear("s-1", wire.Tone("busy")),
    "hear tone congestion": lambda do: do.hear("s-1", wire.Tone("congestion")),
}


def test_every_command_has_its_call():
    assert set(COMMANDS) == {
        vector["name"] for vector in vectors("commands") if vector["value"]["op"] != "hello"
    }


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_command_is_written_as_the_contract_says(name: str):
    (vector,) = [vector for vector in vectors("commands") if vector["name"] == name]
    pen = Pen()
    made = COMMANDS[name](pen)
    if isinstance(made, asyncio.Task):
        done, _ = await asyncio.wait([made], timeout=0)
        assert not done
        made.cancel()
    expected = {key: value for key, value in vector["value"].items() if key != "id"}
    assert pen.written == [expected]


@pytest.mark.parametrize("vector", vectors("events"), ids=lambda vector: str(vector["name"]))
def test_an_event_becomes_its_type_and_nothing_of_it_is_lost(vector: dict[str, Any]):
    event = msgspec.convert(vector["value"], EngineEvent)
    back = {key: value for key, value in msgspec.to_builtins(event).items() if value is not None}
    assert back == vector["value"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("hello", wire.Hello), ("open", wire.Opened), ("reserve", wire.Reserved), ("list", wire.Listing)],
    ids=str,
)
def test_a_reply_becomes_its_type(name: str, kind: type[Any]):
    (vector,) = [vector for vector in vectors("replies") if vector["name"] == name]
    reply = msgspec.to_builtins(msgspec.convert(vector["value"], kind))
    assert {**vector["value"], **msgspec.json.decode(msgspec.json.encode(reply))} == vector["value"]


# The engine itself


class Phone:
    """A UDP socket that speaks RTP."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.setblocking(False)
        self.port = self.sock.getsockname()[1]

    def say(self, to: int, sequence: int, payload: bytes) -> None:
        header = (
            bytes([0x80, 0]) + sequence.to_bytes(2, "big") + (sequence * 160).to_bytes(4, "big") + b"ssrc"
        )
        self.sock.sendto(header + payload, ("127.0.0.1", to))

    async def hear(self, wanted: bytes) -> None:
        """Wait until a packet with this payload comes."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            while (await loop.sock_recv(self.sock, 2048))[12:] != wanted:
                pass


class Engine:
    def __init__(self, directory: Path) -> None:
        self.socket = directory / "e.sock"
        self.events: asyncio.Queue[EngineEvent] = asyncio.Queue()
        self.known: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, ports: str) -> None:
        command = [str(engine_binary()), "--socket", str(self.socket), "--ip", "127.0.0.1", "--ports", ports]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    async def client(self) -> EngineClient:
        return await EngineClient.connect(
            self.socket,
            on_event=self.events.put_nowait,
            on_engine=lambda engine, sessions: self.known.put_nowait((engine, sessions)),
        )

    async def event(self, kind: type[Any]) -> Any:
        async with asyncio.timeout(5):
            while not isinstance(event := await self.events.get(), kind):
                pass
            return event

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(5)


def free_range(pairs: int) -> str:
    """Ports that nobody uses, nor gets by chance for a socket without a name, as the engine takes them."""
    start = free_port(size=2 * pairs)
    return f"{start}-{start + 2 * pairs - 1}"


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = Engine(tmp_path)
    engine.start(free_range(4))
    yield engine
    engine.stop()


@pytest.fixture
def phone() -> Iterator[Phone]:
    phone = Phone()
    yield phone
    phone.sock.close()


async def test_a_session_echoes_and_is_listed_and_counted(engine: Engine, phone: Phone):
    client = await engine.client()
    opened = await client.open("s-1")
    client.hear("s-1", wire.Echo())
    client.remote("s-1", wire.Remote("127.0.0.1", phone.port, [wire.Codec("PCMU", 0)], "sendrecv"))
    await client.sessions()  # a phone speaks after it was answered: the engine knows of it by then
    payload = bytes(range(160))
    for sequence in range(5):
        phone.say(opened.port, sequence, payload)
    await phone.hear(payload)
    latched = await engine.event(events.Latched)
    assert (latched.session, latched.port) == ("s-1", phone.port)
    listing = await client.sessions()
    assert [(session.session, session.port) for session in listing.sessions] == [("s-1", opened.port)]
    async with asyncio.timeout(5):  # the engine sweeps its sockets by the millisecond
        while (await client.stats("s-1"))["rx_packets"] < 5:
            pass
    assert (await client.stats("s-1"))["rx_packets"] == 5
    assert (await client.close_session("s-1")).stats.rx_packets == 5
    await client.close()


async def test_what_the_engine_refuses_is_typed(engine: Engine):
    client = await engine.client()
    await client.open("s-1")
    with pytest.raises(EngineRefused) as caught:
        await client.open("s-1")
    assert caught.value.code == "exists"
    with pytest.raises(EngineRefused) as caught:
        await client.play("s-1", "p-1", ["/nowhere.wav"])
    assert caught.value.code == "bad_file"
    client.hear("nobody", wire.Silence())
    failed = await engine.event(events.Failed)
    assert (failed.op, failed.error) == ("hear", "no_session")
    await client.close()


async def test_running_out_of_ports_is_said(engine: Engine):
    client = await engine.client()
    for number in range(4):
        await client.open(f"s-{number}")
    with pytest.raises(EngineRefused) as caught:
        await client.open("s-4")
    assert caught.value.code == "no_ports"
    await client.close()


async def test_a_session_is_opened_on_a_reserved_port_and_hears_nothing_of_before(
    engine: Engine, phone: Phone
):
    client = await engine.client()
    reserved = await client.reserve(3)
    [port] = reserved.ports  # one of four: the others are for who asks for them
    phone.say(port, 1, b"before")
    opened = await client.open_reserved("s-1", port)
    assert (opened.ip, opened.port, opened.rtcp_port) == (reserved.ip, port, port + 1)
    assert opened.next not in (None, port)
    client.hear("s-1", wire.Echo())
    client.remote("s-1", wire.Remote("127.0.0.1", phone.port, [wire.Codec("PCMU", 0)], "sendrecv"))
    await client.sessions()
    payload = bytes(range(160))
    phone.say(port, 2, payload)
    await phone.hear(payload)
    assert (await client.stats("s-1"))["rx_packets"] == 1
    with pytest.raises(EngineRefused) as caught:
        await client.open_reserved("s-2", port)
    assert caught.value.code == "no_ports"
    with pytest.raises(EngineRefused) as caught:
        await client.open_reserved("s-1", opened.next or 0)
    assert caught.value.code == "exists"
    await client.close()


async def test_what_is_reserved_on_one_address_is_given_up_for_another(engine: Engine):
    client = await engine.client()
    [port] = (await client.reserve(1)).ports
    for number in range(3):
        await client.open(f"s-{number}")
    with pytest.raises(EngineRefused):
        await client.open("s-3", "127.0.0.2")
    opened = await client.open("s-3", "127.0.0.2", release=port)
    assert (opened.ip, opened.port) == ("127.0.0.2", port)
    with pytest.raises(EngineRefused):
        await client.open_reserved("s-4", port)
    await client.close()


async def test_ports_are_reserved_for_who_asked_and_count_as_free(engine: Engine):
    first = await engine.client()
    await first.reserve(9)
    assert (await first.stats())["ports_free"] == 4
    assert not (await first.reserve(9)).ports  # a quarter of those that are free, and no more
    await first.close()
    second = await engine.client()
    assert (await second.stats())["ports_draining"] == 1
    await second.close()


async def test_playing_and_recording_report_their_end(engine: Engine, phone: Phone, tmp_path: Path):
    client = await engine.client()
    sound = tmp_path / "sound.wav"
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 800))
    await client.open("s-1")
    client.remote("s-1", wire.Remote("127.0.0.1", phone.port, [wire.Codec("PCMU", 0)], "sendrecv"))
    await client.play("s-1", "p-1", [str(sound)])
    done = await engine.event(events.PlayDone)
    assert (done.session, done.play, done.reason) == ("s-1", "p-1", "finished")
    await client.record("s-1", "r-1", str(tmp_path / "r.wav"), max_ms=60_000)
    client.stop_record("s-1", "r-1")
    recorded = await engine.event(events.RecordDone)
    assert (recorded.record, recorded.reason) == ("r-1", "stopped")
    with wave.open(str(tmp_path / "r.wav"), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
    await client.close()


async def test_a_new_client_finds_the_sessions_of_the_one_before(engine: Engine):
    first = await engine.client()
    await first.open("s-1")
    await first.close()
    second = await engine.client()
    assert [engine.known.get_nowait(), engine.known.get_nowait()] == [(second.engine, 0), (second.engine, 1)]
    assert [session.session for session in (await second.sessions()).sessions] == ["s-1"]
    await second.close()


async def test_an_engine_that_was_killed_comes_back_as_another(engine: Engine):
    client = await engine.client()
    await client.open("s-1")
    assert engine.process is not None
    engine.process.kill()
    engine.process.wait()
    engine.start(free_range(4))
    before, _ = await engine.known.get()
    async with asyncio.timeout(5):
        after, sessions = await engine.known.get()
    assert before != after
    assert sessions == 0
    await client.open("s-1")
    await client.close()
