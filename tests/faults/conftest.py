"""Real phones for faults: those of the interop suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.faults.outage import told_demo
from tests.interop.conftest import browser, own_demo, phones, process
from tests.interop.demo import Demo
from tests.receiver import Receiver

__all__ = ["browser", "own_demo", "phones", "process"]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.open()
    yield receiver
    await receiver.close()


@pytest.fixture
def demo(tmp_path: Path, receiver: Receiver) -> Iterator[Demo]:
    """One that is not started yet, and tells the receiver of alarms."""
    demo = told_demo(tmp_path, receiver)
    try:
        yield demo
    finally:
        demo.close()


@pytest.fixture(scope="module")
def shared_victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One whose processes the tests of a module kill."""
    victim = Demo(tmp_path_factory.mktemp("victim") / "demo", ring_seconds=20)
    with victim:
        victim.start()
        yield victim


@pytest.fixture
def victim(shared_victim: Demo) -> Demo:
    """That one, with the processes that it has now."""
    shared_victim.reread()
    return shared_victim
