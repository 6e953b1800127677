from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdai.core.errors import TongdaiError
from tongdai.core.ids import new_id

SECONDS = st.integers(min_value=0, max_value=(1 << 48) - 1).map(lambda ms: ms / 1000)


def test_has_a_prefix_and_only_safe_characters():
    assert re.fullmatch(r"call_[0-9a-hjkmnp-tv-z]{26}", new_id("call"))


def test_the_time_is_the_first_ten_characters():
    # 2026-11-22T00:00:00Z is 1795305600000 ms = 0x1a200b3d000; in Crockford's base 32, ten characters
    assert new_id("call", wall=1_795_305_600.0)[5:15] == new_id("leg", wall=1_795_305_600.0)[4:14]
    assert new_id("call", wall=0.0).startswith("call_0000000000")
    assert new_id("call", wall=0.032).startswith("call_0000000010")


def test_no_two_are_alike():
    assert len({new_id("leg", wall=1.0) for _ in range(10_000)}) == 10_000


@given(SECONDS, SECONDS)
def test_sorts_by_the_time_it_was_made(first, second):
    early, late = sorted((first, second))
    if int(early * 1000) < int(late * 1000):
        assert new_id("call", wall=early) < new_id("call", wall=late)


def test_those_of_one_millisecond_sort_as_they_were_made():
    made = [new_id("audit", wall=2.0) for _ in range(10_000)]
    assert made == sorted(made)


@pytest.mark.parametrize("prefix", ["", "Call", "call_", "9a", "a" * 17, "ca ll"])
def test_refuses_a_prefix_that_could_not_be_told_from_the_rest(prefix):
    with pytest.raises(TongdaiError, match="no id prefix"):
        new_id(prefix)


@pytest.mark.parametrize("wall", [-1.0, 2.0**48])
def test_refuses_a_time_that_does_not_fit(wall):
    with pytest.raises(TongdaiError, match="cannot hold"):
        new_id("call", wall=wall)
