"""The rhythm of the signalling loop: journal first, then SIP; one timer for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.app.turned_loop import run, until
from tests.unit.legs.doubles import MemoryJournal
from tests.unit.sip.network import Recorder, SeededIds

from tongdai.app.pulse import Pulse
from tongdai.journal import LocalJournal
from tongdai.sip.flow import Flow
from tongdai.sip.message import parse
from tongdai.sip.ua import UserAgent

FLOW = Flow("udp", ("192.0.2.1", 5060), ("203.0.113.1", 5060))


class Alarm:
    """Something with deadlines."""

    def __init__(self, *times: float) -> None:
        self.times = list(times)
        self.fired: list[float] = []
        self.do: Callable[[], None] = lambda: None

    def deadline(self) -> float | None:
        return self.times[0] if self.times else None

    def on_timers(self, now: float) -> None:
        while self.times and self.times[0] <= now:
            self.times.pop(0)
            self.fired.append(now)
        self.do()


class Journal(MemoryJournal):
    def __init__(self, done: list[str]) -> None:
        super().__init__(done)
        self.broken = False

    def commit(self) -> bool:
        if self.broken:
            raise OSError("the disk is gone")
        return super().commit()


class Heart:
    """A pulse, a real user agent, and everything they did in order."""

    def __init__(self, *alarms: Alarm) -> None:
        self.done: list[str] = []
        self.journal = Journal(self.done)
        loop = asyncio.get_running_loop()
        self.pulse = Pulse(clock=loop.time, journal=self.journal, send=self.send)
        self.ua = UserAgent(Recorder(), clock=loop.time, ids=SeededIds("heart"), on_output=self.pulse.stir)
        self.alarms = alarms
        self.writers: list[Callable[[], None]] = [lambda: self.journal.put("call", b"")]
        self.unsendable = ""

    def begin(self) -> Heart:
        self.pulse.use(self.ua, [self.ua, *self.alarms], self.writers)
        return self

    def send(self, flow: Flow, data: bytes) -> None:
        method = parse(data).cseq.method
        if method == self.unsendable:
            raise OSError("no route")
        self.done.append(f"send {method}")

    def ask(self, method: str = "OPTIONS", **more: Any) -> None:
        """Something is to be sent."""
        self.ua.request(method, "sip:203.0.113.1", FLOW, from_="<sip:me@example.com>", **more)


async def tick() -> None:
    """Let what is due now happen."""
    await until(asyncio.get_running_loop().time())
    await until(asyncio.get_running_loop().time())


def test_what_changed_is_committed_before_anything_is_sent():
    async def main() -> list[str]:
        heart = Heart().begin()
        heart.ask()
        assert heart.done == []
        await tick()
        return heart.done

    assert run(main()) == ["commit call", "send OPTIONS"]


def test_what_nobody_stirs_for_is_committed_in_the_same_turn_and_a_flush_makes_no_other_one(tmp_path: Path):
    async def main() -> tuple[list[str], dict[str, bytes]]:
        done: list[str] = []
        journal = LocalJournal(tmp_path)
        pulse = Pulse(clock=asyncio.get_running_loop().time, journal=journal, send=lambda flow, data: None)

        def write() -> None:
            done.append("flush")
            journal.put("call", str(len(done)).encode())

        ua = UserAgent(
            Recorder(), clock=asyncio.get_running_loop().time, ids=SeededIds("x"), on_output=pulse.stir
        )
        pulse.use(ua, [ua], [write])
        journal.on_pending = pulse.pending
        try:
            journal.put("fact", b"it was stored")
            await tick()
            journal.delete("fact")
            await tick()
            return done, journal.load()
        finally:
            journal.close()

    assert run(main()) == (["flush", "flush"], {"call": b"2"})


def test_everything_of_one_tick_leaves_together():
    async def main() -> list[str]:
        heart = Heart().begin()
        heart.ask()
        heart.pulse.stir()
        heart.ask("MESSAGE")
        heart.pulse.stir()
        await tick()
        heart.ask("SUBSCRIBE")
        await tick()
        return heart.done

    assert run(main()) == ["commit call", "send OPTIONS", "send MESSAGE", "commit call", "send SUBSCRIBE"]


def test_without_anything_new_nothing_happens():
    async def main() -> list[str]:
        heart = Heart().begin()
        await tick()
        return heart.done

    assert run(main()) == []


@pytest.mark.parametrize("fault", ["commit says no", "commit raises", "writer raises"])
def test_a_journal_that_fails_does_not_stop_sip(fault: str):
    async def main() -> list[str]:
        heart = Heart()
        if fault == "writer raises":

            def broken() -> None:
                raise RuntimeError("this cannot be encoded")

            heart.writers.insert(0, broken)
        heart.begin()
        heart.journal.failing = fault == "commit says no"
        heart.journal.broken = fault == "commit raises"
        heart.ask()
        await tick()
        heart.ask("MESSAGE")
        await tick()
        return heart.done

    done = run(main())
    assert [x for x in done if x.startswith("send")] == ["send OPTIONS", "send MESSAGE"]
    assert ("commit call" in done) == (fault != "commit raises")


def test_a_message_that_cannot_be_sent_keeps_no_other_back():
    async def main() -> list[str]:
        heart = Heart().begin()
        heart.unsendable = "OPTIONS"
        heart.ask()
        heart.ask("MESSAGE")
        await tick()
        return heart.done

    assert run(main()) == ["commit call", "send MESSAGE"]


# time


def timers() -> list[float]:
    """When the loop's live timers are due."""
    scheduled: list[asyncio.TimerHandle] = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    return sorted(handle.when() for handle in scheduled if not handle.cancelled())


def test_one_timer_serves_all_deadlines():
    async def main() -> None:
        alarms = [Alarm(1005.0, 1009.0), Alarm(1003.0), Alarm()]
        heart = Heart(*alarms).begin()
        heart.pulse.stir()
        await until(1001.0)
        assert timers() == [1003.0]
        await until(1004.0)
        assert [alarm.fired for alarm in alarms] == [[], [1003.0], []]
        assert timers() == [1005.0]
        await until(1020.0)
        assert [alarm.fired for alarm in alarms] == [[1005.0, 1009.0], [1003.0], []]
        assert timers() == []

    run(main())


def test_an_earlier_deadline_takes_the_place_of_a_later_one():
    async def main() -> None:
        alarm = Alarm(1060.0)
        heart = Heart(alarm).begin()
        heart.pulse.stir()
        await until(1001.0)
        alarm.times.insert(0, 1002.0)
        heart.pulse.stir()
        await until(1001.5)
        assert timers() == [1002.0]
        await until(1100.0)
        assert alarm.fired == [1002.0, 1060.0]

    run(main())


def test_deadlines_that_come_one_after_the_other_are_met_together_and_hardly_late():
    async def main() -> None:
        alarm = Alarm(*(1001.0 + n / 1000 for n in range(45)))
        Heart(alarm).begin().pulse.stir()
        await until(1002.0)
        counted = {round(at, 2): alarm.fired.count(at) for at in alarm.fired}
        assert counted == {1001.0: 1, 1001.02: 20, 1001.04: 20, 1001.06: 4}

    run(main())


def test_what_a_timer_causes_is_committed_and_sent():
    async def main() -> list[str]:
        alarm = Alarm(1001.0)
        heart = Heart(alarm)
        alarm.do = heart.ask
        heart.begin().pulse.stir()
        await until(1000.5)
        heart.done.clear()
        await until(1001.1)
        return heart.done

    assert run(main())[:2] == ["commit call", "send OPTIONS"]


def test_the_user_agents_own_timers_are_served():
    async def main() -> list[str]:
        heart = Heart().begin()
        heart.ask()
        await until(1001.0)
        return [x for x in heart.done if x.startswith("send")]

    assert run(main()) == ["send OPTIONS"] * 2


def test_a_fault_at_one_deadline_leaves_the_others():
    async def main() -> None:
        bad, good = Alarm(1001.0, 1002.0), Alarm(1001.0, 1003.0)

        def fail() -> None:
            raise RuntimeError

        bad.do = fail
        Heart(bad, good).begin().pulse.stir()
        await until(1010.0)
        assert bad.fired == [1001.0, 1002.0]
        assert good.fired == [1001.0, 1003.0]

    run(main())


def test_one_can_wait_until_all_is_quiet():
    async def main() -> None:
        alarm = Alarm(1001.0, 1002.0)
        heart = Heart(alarm).begin()
        heart.pulse.stir()
        await heart.pulse.quiet(lambda: not alarm.times)
        assert asyncio.get_running_loop().time() == 1002.0
        await heart.pulse.quiet(lambda: True)

    run(main())
