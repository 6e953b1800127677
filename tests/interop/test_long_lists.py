"""Thousands of people and calls: the pages hold what is in sight of them, and come to the last of them."""

from __future__ import annotations

import pytest
from tests.interop.demo import Demo
from tests.interop.long_lists import LISTS, scrolled
from tests.interop.phones.browser import Chromium
from tests.interop.phones.webpage import LAPTOP, PHONE

ROWS = 2_000
"""A page that kept what it has shown would hold far too many of them; ten thousand take much longer."""


@pytest.mark.parametrize("name", LISTS)
async def test_at_most_a_hundred_rows_are_in_the_page(demo: Demo, browser: Chromium, name: str):
    which = LISTS[name]
    for size in (LAPTOP, PHONE) if not which.click else (LAPTOP,):
        found = await scrolled(browser, demo, which, size, many=ROWS)
        assert 0 < found.rows <= 100
        last = f"Person {min(which.most, ROWS) - 1}"
        assert last in found.last, f"{last} is the last of {ROWS}, and {found.last!r} was shown"
