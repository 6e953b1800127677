from __future__ import annotations

from tongdai.trunks.limits import Limit, Limits


def test_a_channel_is_free_again_when_its_call_is_over():
    limits, two = Limits(), Limit(at_once=2)
    for leg in ("a", "b"):
        assert not limits.full("trunk", two)
        limits.take(leg, {"trunk": two, "tenant": Limit()}, 0.0)
    assert limits.full("trunk", two)
    assert not limits.full("trunk", Limit())
    limits.release("a")
    limits.release("a")
    assert (limits.in_use("trunk"), limits.in_use("tenant"), limits.full("trunk", two)) == (1, 1, False)


def test_a_leg_that_is_taken_over_has_one_channel_not_two():
    limits = Limits()
    limits.occupy("a", "trunk", "tenant")
    limits.occupy("a", "trunk", "tenant")
    assert limits.in_use("trunk") == 1


def test_calls_may_begin_as_often_as_the_limit_says():
    limits, rate = Limits(), Limit(per_second=2.0)
    begun = 0
    for tick in range(100):
        now = tick / 10
        if not limits.too_fast("trunk", rate, now):
            limits.take(str(tick), {"trunk": rate, "tenant": Limit()}, now)
            begun += 1
    assert 20 <= begun <= 22


def test_one_call_in_ten_seconds_is_a_limit_too():
    limits, rate = Limits(), Limit(per_second=0.1)
    limits.take("a", {"trunk": rate, "tenant": Limit()}, 0.0)
    assert limits.too_fast("trunk", rate, 9.0)
    assert not limits.too_fast("trunk", rate, 10.1)
