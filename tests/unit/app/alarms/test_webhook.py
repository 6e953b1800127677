"""Alarms are told to a receiver on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator

import pytest
from tests.receiver import Receiver

from tongdai.app.alarms.alarms import Notice
from tongdai.app.alarms.outbound import AlarmHook
from tongdai.app.alarms.webhook import Webhook

ON = Notice("database", False, "locked", 1_790_000_000.0, 1_790_000_000.0)
OVER = Notice("database", True, "locked", 1_790_000_000.0, 1_790_000_060.0)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.open()
    yield receiver
    await receiver.close()


@contextlib.asynccontextmanager
async def sending(hook: AlarmHook, total: float = 5.0) -> AsyncIterator[Webhook]:
    webhook = Webhook(hook, "pbx.example.net", total=total, again=(0.0,))
    task = asyncio.create_task(webhook.run())
    yield webhook
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    webhook.close()


async def told(webhook: Webhook) -> None:
    async with asyncio.timeout(10):
        while webhook.backlog:
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)


async def test_an_alarm_is_told_and_signed(receiver: Receiver):
    async with sending(AlarmHook(receiver.url, "secret", "127.0.0.0/8")) as webhook:
        webhook.tell(ON)
        await told(webhook)
    [(headers, body)] = receiver.got
    assert headers[""] == "POST /alarms?of=tongdai HTTP/1.1"
    assert json.loads(body) == {
        "alarm": "database",
        "state": "on",
        "detail": "locked",
        "since": "2026-09-21T14:13:20Z",
        "at": "2026-09-21T14:13:20Z",
        "server": "pbx.example.net",
    }
    signed = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    assert headers["X-Tongdai-Signature"] == f"sha256={signed}"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 Oops\r\n\r\n",
        b"SSH-2.0-what\r\n",
        b"",
        b"HTTP/1.1 301 Moved\r\nLocation: http://x/\r\n\r\n",
    ],
)
async def test_what_is_not_taken_is_told_again_until_it_is(receiver: Receiver, answer: bytes):
    receiver.answers = [answer]
    async with sending(AlarmHook(receiver.url, "", "127.0.0.0/8"), total=1.0) as webhook:
        webhook.tell(ON)
        await told(webhook)
    assert len(receiver.got) == 2
    assert receiver.got[0][1] == receiver.got[1][1]


async def test_only_the_latest_news_of_an_alarm_waits(receiver: Receiver):
    """A receiver that is away for a week must not find ten thousand of them, nor cost their memory."""
    webhook = Webhook(AlarmHook(receiver.url, "", "127.0.0.0/8"), "here", again=(0.0,))
    for _ in range(1000):
        webhook.tell(ON)
        webhook.tell(OVER)
    assert webhook.backlog == 1
    task = asyncio.create_task(webhook.run())
    await told(webhook)
    task.cancel()
    webhook.close()
    assert [json.loads(body)["state"] for _, body in receiver.got] == ["over"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"])
async def test_a_url_that_leads_to_our_own_machine_is_never_connected_to(receiver: Receiver, host: str):
    """Threat 17: the canary sees no connection."""
    async with sending(AlarmHook(f"http://{host}:{receiver.port}/")) as webhook:
        webhook.tell(ON)
        for _ in range(20):
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        assert webhook.backlog == 1
    assert receiver.connections == 0


async def test_a_name_that_resolves_to_something_else_at_the_second_look_is_looked_up_once(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    """DNS rebinding: what was looked at is what is connected to."""
    import socket

    looked_up = []
    opened = []

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        looked_up.append(host)
        place = "8.8.8.8" if len(looked_up) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, port))]

    async def connect(host: str, port: int, **_: object) -> None:
        opened.append(host)
        raise OSError("no network here")

    with monkeypatch.context() as patch:
        patch.setattr("tongdai.app.alarms.webhook.socket.getaddrinfo", resolve)
        patch.setattr("tongdai.app.alarms.webhook.asyncio.open_connection", connect)
        webhook = Webhook(AlarmHook("http://rebinding.example/"), "here", again=(60.0,))
        task = asyncio.create_task(webhook.run())
        webhook.tell(ON)
        async with asyncio.timeout(10):
            while not opened:
                await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        task.cancel()
        webhook.close()
    assert looked_up == ["rebinding.example"]
    assert opened == ["8.8.8.8"]


async def test_nobody_is_told_when_nobody_was_named():
    webhook = Webhook(AlarmHook(), "here")
    webhook.tell(ON)
    assert webhook.backlog == 0
