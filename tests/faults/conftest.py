"""Real phones for faults: those of the interop suite."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.interop.conftest import browser, own_demo, phones, process
from tests.receiver import Receiver

__all__ = ["browser", "own_demo", "phones", "process"]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.open()
    yield receiver
    await receiver.close()
