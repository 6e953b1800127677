from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tongdai.media import EngineClient, EngineEvent, EngineGone, EngineRefused, wire
from tongdai.media.events import Dtmf, Failed


class FakeEngine:
    """Speaks the framing and answers by a function, so that each test says what its engine does."""

    def __init__(self, path: Path, name: str = "e1") -> None:
        self.path = path
        self.name = name
        self.sessions = 0
        self.proto = 1
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reads: list[int] = []
        self.greetings: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda frame: {"ok": True}
        self.writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))

    async def stop(self) -> None:
        if self.writer is not None:
            self.writer.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self.path.unlink(missing_ok=True)

    def tell(self, frame: dict[str, Any]) -> None:
        assert self.writer is not None
        self.writer.write(wire.encode(frame))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        frames = wire.FrameReader()
        while data := await reader.read(65536):
            got = list(frames.feed(data))
            self.reads.append(len(got))
            for frame in got:
                if frame["op"] == "hello":
                    self.greetings.append(frame)
                    reply: dict[str, Any] | None = {
                        "ok": True,
                        "engine": self.name,
                        "proto": self.proto,
                        "version": "0",
                        "sessions": self.sessions,
                    }
                else:
                    self.frames.put_nowait(frame)
                    reply = self.answer(frame)
                if "id" in frame and reply is not None:
                    writer.write(wire.encode({"re": frame["id"], **reply}))
        writer.close()


class Owner:
    """What the client tells."""

    def __init__(self) -> None:
        self.engines: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        self.events: asyncio.Queue[EngineEvent] = asyncio.Queue()
        self.lost = asyncio.Event()

    async def connect(self, path: Path, **options: Any) -> EngineClient:
        return await EngineClient.connect(
            path,
            on_event=self.events.put_nowait,
            on_engine=lambda engine, sessions: self.engines.put_nowait((engine, sessions)),
            on_lost=self.lost.set,
            **options,
        )


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[FakeEngine]:
    engine = FakeEngine(tmp_path / "engine.sock")
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
def owner() -> Owner:
    return Owner()


async def test_it_greets_the_engine_and_says_how_much_lives_in_it(engine: FakeEngine, owner: Owner):
    engine.sessions = 3
    client = await owner.connect(engine.path)
    assert owner.engines.get_nowait() == ("e1", 3)
    assert client.engine == "e1"
    assert client.connected
    await client.close()


async def test_a_reply_becomes_its_type(engine: FakeEngine, owner: Owner):
    engine.answer = lambda frame: {"ok": True, "ip": "127.0.0.1", "port": 20000, "rtcp_port": 20001}
    client = await owner.connect(engine.path)
    assert await client.open("a") == wire.Opened("127.0.0.1", 20000, 20001)
    assert await engine.frames.get() == {"op": "open", "id": 2, "session": "a"}
    await client.close()


async def test_an_error_reply_is_a_typed_refusal(engine: FakeEngine, owner: Owner):
    engine.answer = lambda frame: {"ok": False, "error": "no_ports", "detail": "20000-20009"}
    client = await owner.connect(engine.path)
    with pytest.raises(EngineRefused, match="no_ports") as caught:
        await client.open("a")
    assert (caught.value.op, caught.value.code) == ("open", "no_ports")
    await client.close()


async def test_commands_of_one_tick_go_out_in_order_in_one_write(engine: FakeEngine, owner: Owner):
    client = await owner.connect(engine.path)
    engine.reads.clear()
    client.hear("a", wire.Echo())
    last = client.request("hear", session="b", source=wire.HearMixer("m"))
    client.mixer_open("m")
    peer = wire.Remote("127.0.0.1", 4000, [wire.Codec("PCMU", 0)], "sendrecv", [wire.Keys(101)])
    client.remote("a", peer)
    await last
    assert engine.reads == [4]
    frames = [engine.frames.get_nowait() for _ in range(4)]
    assert [frame["op"] for frame in frames] == ["hear", "hear", "mixer_open", "remote"]
    assert frames[0]["source"] == {"kind": "echo"}
    assert frames[3] == {
        "op": "remote",
        "session": "a",
        "ip": "127.0.0.1",
        "port": 4000,
        "direction": "sendrecv",
        "dtmf": [{"pt": 101}],
        "codecs": [{"name": "PCMU", "pt": 0}],
    }
    await client.close()


async def test_events_are_typed_and_unknown_ones_do_no_harm(engine: FakeEngine, owner: Owner):
    client = await owner.connect(engine.path)
    engine.tell({"ev": "of the future", "n": 1})
    engine.tell({"ev": "dtmf", "n": 2, "session": "a", "digit": "5", "ms": 80, "more": True})
    engine.tell({"ev": "error", "n": 3, "op": "hear", "error": "no_session", "detail": "x"})
    assert await owner.events.get() == Dtmf(n=2, session="a", digit="5", ms=80)
    assert await owner.events.get() == Failed(n=3, op="hear", error="no_session", detail="x")
    await client.close()


async def test_a_new_engine_on_the_same_socket_is_found_and_named(engine: FakeEngine, owner: Owner):
    client = await owner.connect(engine.path)
    assert await owner.engines.get() == ("e1", 0)
    engine.answer = lambda frame: None
    pending = client.open("a")
    await engine.frames.get()
    await engine.stop()
    with pytest.raises(EngineGone, match="open"):
        await pending
    await owner.lost.wait()
    with pytest.raises(EngineGone, match="not sent"):
        await client.open("b")
    engine.name, engine.answer = "e2", lambda frame: {"ok": True}
    await engine.start()
    assert await owner.engines.get() == ("e2", 0)
    await client.close_session("b")
    await client.close()


async def test_events_kept_for_us_come_after_the_engine_was_announced(engine: FakeEngine):
    told: list[object] = []
    done = asyncio.Event()

    def on_event(event: EngineEvent) -> None:
        told.append(event)
        done.set()

    inner = engine._serve

    async def event_right_after_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(
            wire.encode({"re": 1, "ok": True, "engine": "e", "proto": 1, "version": "0", "sessions": 1})
            + wire.encode({"ev": "orphaned", "n": 7, "session": "a"})
        )
        await inner(reader, writer)

    await engine.stop()
    engine._serve = event_right_after_hello  # type: ignore[method-assign]
    await engine.start()
    client = await EngineClient.connect(engine.path, on_event=on_event, on_engine=lambda e, n: told.append(e))
    await done.wait()
    assert told[0] == "e"
    assert len(told) == 2
    await client.close()


async def test_events_that_came_too_late_for_a_lost_connection_are_asked_for_again(
    engine: FakeEngine, owner: Owner
):
    client = await owner.connect(engine.path, after=41)
    assert engine.greetings == [{"op": "hello", "id": 1, "proto": 1, "after": 41}]
    engine.tell({"ev": "orphaned", "n": 42, "session": "a"})
    await owner.events.get()
    assert client.last_event == 42
    await engine.stop()
    await owner.lost.wait()
    await engine.start()
    await owner.engines.get()
    await owner.engines.get()
    assert engine.greetings[-1]["after"] == 42
    await client.close()


async def test_an_engine_that_never_answers_fails_the_request(engine: FakeEngine, owner: Owner):
    client = await owner.connect(engine.path, reply_seconds=0.01)
    engine.answer = lambda frame: None
    with pytest.raises(EngineGone, match="did not answer"):
        await client.open("a")
    await client.close()


async def test_of_several_requests_those_that_were_answered_are_not_failed(engine: FakeEngine, owner: Owner):
    client = await owner.connect(engine.path, reply_seconds=0.01)
    engine.answer = lambda frame: {"ok": True} if frame["session"] == "b" else None
    asked = [client.request("play", session=session) for session in ("a", "b", "c")]
    got = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(reply, EngineGone) for reply in got] == [True, False, True]
    await client.close()


async def test_no_engine_at_all_says_where_it_looked(tmp_path: Path, owner: Owner):
    with pytest.raises(EngineGone, match=r"nothing\.sock"):
        await owner.connect(tmp_path / "nothing.sock", within=0.03)


async def test_an_engine_of_another_protocol_is_not_used(engine: FakeEngine, owner: Owner):
    engine.proto = 2
    with pytest.raises(EngineGone):
        await owner.connect(engine.path, within=0.03)
    assert owner.engines.empty()


async def test_a_failing_handler_does_not_stop_the_events(engine: FakeEngine):
    seen: asyncio.Queue[int] = asyncio.Queue()

    def on_event(event: EngineEvent) -> None:
        seen.put_nowait(event.n)
        raise RuntimeError("a bug of the owner")

    client = await EngineClient.connect(engine.path, on_event=on_event, on_engine=lambda e, n: None)
    for n in (1, 2):
        engine.tell({"ev": "orphaned", "n": n, "session": "a"})
    assert [await seen.get(), await seen.get()] == [1, 2]
    await client.close()
