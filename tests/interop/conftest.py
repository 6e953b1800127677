"""Fixtures of the interop suite: a demo for all, and phones that are closed after each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

import pytest
from tests.interop import demo as demo_process
from tests.interop.demo import Demo
from tests.interop.phones import baresip, linphone, sipp
from tests.interop.phones.baresip import Baresip
from tests.interop.phones.browser import MICROPHONE, Chromium, Process
from tests.interop.phones.linphone import Linphone
from tests.interop.phones.raw import Account, RawPhone
from tests.interop.phones.sipp import Sipp
from tests.interop.phones.sound import TONES
from tests.interop.phones.webpage import Pages


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what the demo wrote meanwhile."""
    report = yield
    if report.failed:
        for running in getattr(item, "funcargs", {}).values():
            if isinstance(running, Demo):
                report.sections.append(("log of the demo", running.service_log()[-6000:]))
    return report


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that most tests share (a start costs seconds); it must stop cleanly at the end."""
    with new_demo(tmp_path_factory.mktemp("demo")) as running:
        running.start()
        yield running


@pytest.fixture
def own_demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo for one test that stops, kills or restarts it; not started yet."""
    own = new_demo(tmp_path)
    try:
        yield own
    finally:
        own.close()


@pytest.fixture(scope="module")
def trunked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose trunks these tests change, and that asks DNS at a port of theirs."""
    from tests.interop.carriers import DNS_PORT  # this file is loaded twice, and that one once

    environment = {"TONGDAI_DNS_SERVERS": f"127.0.0.1:{DNS_PORT}"}
    with new_demo(tmp_path_factory.mktemp("trunked"), environment) as running:
        yield running.start()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A real Chromium, for the tests of a module."""
    running = Process(tmp_path_factory.mktemp("browser"), MICROPHONE)
    yield running
    running.close()


@pytest.fixture
async def browser(process: Process) -> AsyncIterator[Chromium]:
    async with process.open() as opened:
        yield opened


@pytest.fixture
async def pages(browser: Chromium) -> AsyncIterator[Pages]:
    made = Pages(browser)
    yield made
    await made.close()


class Phones:
    """Makes phones for a test, each with a tone of its own, and closes them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._tones = iter(TONES)
        self._numbers = count(1)
        self._open: list[RawPhone | Baresip | Linphone | Sipp] = []

    async def raw(
        self,
        account: Account,
        *,
        register: bool = True,
        transport: str = "udp",
        host: str = "127.0.0.1",
        port: int = 0,
        media_host: str = "",
        mapped: Mapping[str, str] | None = None,
    ) -> RawPhone:
        """A raw phone, registered unless told otherwise."""
        phone = RawPhone(
            account,
            tone=next(self._tones),
            transport=transport,
            host=host,
            port=port,
            media_host=media_host,
            mapped=mapped,
        )
        self._open.append(phone)
        await phone.open()
        return await phone.registered() if register else phone

    async def baresip(
        self,
        account: Account,
        *,
        register: bool = True,
        transport: str = "udp",
        codecs: str = "pcmu,pcma",
        protect: str = "",
        host: str = "127.0.0.1",
        within: Sequence[str] = (),
        watchful: bool = False,
        certificate: Path | None = None,
    ) -> Baresip:
        """A baresip, registered unless told otherwise."""
        if not baresip.installed():
            pytest.fail("baresip is missing: apt-get install baresip-core")
        tone = next(self._tones)
        place = self._place("baresip")
        phone = Baresip(
            account,
            place,
            tone=tone,
            transport=transport,
            codecs=codecs,
            protect=protect,
            host=host,
            within=within,
            watchful=watchful,
            certificate=certificate,
        )
        self._open.append(phone)
        await phone.open()
        return await phone.registered() if register else phone

    async def linphone(
        self,
        account: Account,
        *,
        codec: str = "opus",
        transport: str = "udp",
        protect: str = "none",
        insists: bool = True,
        trusted: Path | None = None,
    ) -> Linphone:
        """A registered Linphone."""
        if not linphone.installed():
            pytest.fail("liblinphone is missing: apt-get install liblinphone10")
        phone = Linphone(
            account,
            self._place("linphone"),
            tone=next(self._tones),
            codec=codec,
            transport=transport,
            protect=protect,
            insists=insists,
            trusted=trusted,
        )
        self._open.append(phone)
        await phone.open()
        return await phone.registered()

    def sipp(
        self,
        scenario: str,
        account: Account,
        *,
        target: str = "service",
        transport: str = "u1",
        calls: int = 1,
        seconds: float = 15,
        port: int = 0,
        rate: int = 0,
        repeats: bool = True,
        **keys: str,
    ) -> Sipp:
        """A SIPp scenario, not started yet; `keys` are what it calls [name]."""
        if not sipp.installed():
            pytest.fail("SIPp is missing: apt-get install sip-tester")
        run = Sipp(
            scenario,
            account,
            self._place("sipp"),
            target=target,
            transport=transport,
            calls=calls,
            seconds=seconds,
            port=port,
            rate=rate,
            repeats=repeats,
            keys=keys,
        )
        self._open.append(run)
        return run

    async def close(self) -> None:
        await asyncio.gather(*(phone.close() for phone in self._open))

    def _place(self, kind: str) -> Path:
        return self._directory / f"{kind}{next(self._numbers)}"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo with the benchmark's 2,000 accounts."""
    with Demo(tmp_path_factory.mktemp("crowded") / "demo", options=["--bench"]) as running:
        yield running.start()


@pytest.fixture
async def phones(tmp_path: Path) -> AsyncIterator[Phones]:
    made = Phones(tmp_path)
    yield made
    await made.close()


def new_demo(
    directory: Path,
    environment: Mapping[str, str] | None = None,
    *options: str,
    unspoken: bool = False,
) -> Demo:
    """A demo that is not started yet; the test fails when there is no product to start."""
    if not demo_process.available():
        pytest.fail(f"{demo_process.TONGDAI} is missing: run `make setup`")
    return Demo(directory / "demo", options=options, environment=environment, unspoken=unspoken)
