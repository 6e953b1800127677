from __future__ import annotations

from tongdai.app.supervisor.restarts import (
    LONGEST_DELAY,
    LONGEST_DELAY_OF_WORKING,
    STABLE_SECONDS,
    TOLERATED,
    Restarts,
)


def test_a_process_that_worked_is_back_at_once():
    restarts = Restarts()
    assert [restarts.ended(lived=60, was_ready=True) for _ in range(20)] == [0.0] * 20


def test_killed_again_and_again_it_is_back_at_once_a_few_times_and_then_waits_longer_and_longer():
    restarts = Restarts()
    delays = [restarts.ended(lived=1, was_ready=True) for _ in range(TOLERATED + 8)]
    assert delays[:TOLERATED] == [0.0] * TOLERATED
    assert delays[TOLERATED:] == sorted(delays[TOLERATED:])
    assert delays[TOLERATED] > 0
    assert delays[-1] == LONGEST_DELAY_OF_WORKING


def test_a_process_that_never_gets_to_work_waits_from_its_second_end():
    restarts = Restarts()
    assert restarts.ended(lived=0.1, was_ready=False) == 0
    assert restarts.ended(lived=0.1, was_ready=False) > 0
    assert restarts.streak == 2
    assert [restarts.ended(lived=0.1, was_ready=False) for _ in range(10)][-1] == LONGEST_DELAY


def test_time_heals():
    restarts = Restarts()
    for _ in range(TOLERATED + 3):
        restarts.ended(lived=1, was_ready=True)
    assert restarts.ended(lived=STABLE_SECONDS, was_ready=True) == 0
    assert restarts.streak == 1
