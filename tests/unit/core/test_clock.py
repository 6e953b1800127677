from __future__ import annotations

import pytest

from tongdai.core.clock import Clock, ManualClock, SystemClock
from tongdai.core.errors import TongdaiError


def test_manual_clock_moves_only_when_told():
    clock = ManualClock(monotonic=5.0, wall=1000.0)
    assert (clock.monotonic(), clock.wall()) == (5.0, 1000.0)
    clock.advance(0.25)
    assert (clock.monotonic(), clock.wall()) == (5.25, 1000.25)


def test_setting_the_wall_clock_moves_no_deadline():
    clock = ManualClock(monotonic=5.0, wall=1000.0)
    clock.set_wall(10.0)
    assert (clock.monotonic(), clock.wall()) == (5.0, 10.0)


def test_time_does_not_go_back():
    with pytest.raises(TongdaiError, match="does not go back"):
        ManualClock().advance(-1)


def test_system_clock_is_a_clock():
    clock: Clock = SystemClock()
    first = clock.monotonic()
    assert clock.monotonic() >= first
    assert clock.wall() > 1_750_000_000
