from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tongdai.app.process import MUST_COLLECT, QUIET, WORTH_COLLECTING, Collector, rest_from_collecting


@pytest.mark.parametrize(
    ("new", "busy", "collects"),
    [
        (WORTH_COLLECTING, 0.0, False),
        (WORTH_COLLECTING + 1, 0.0, True),
        (WORTH_COLLECTING + 1, QUIET, False),
        (MUST_COLLECT, 1.0, False),
        (MUST_COLLECT + 1, 1.0, True),
    ],
)
def test_garbage_is_collected_when_little_is_to_do_or_much_is_new(new: int, busy: float, collects: bool):
    collected: list[bool] = []
    Collector(lambda: new, lambda: collected.append(True)).look(busy)
    assert bool(collected) is collects


@pytest.fixture
def undisturbed() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("undisturbed")
def test_python_counts_what_is_new_though_it_collects_nothing_by_itself():
    rest_from_collecting()
    kept = [[] for _ in range(WORTH_COLLECTING + 1000)]  # type: list[list[object]]
    assert gc.get_count()[0] > len(kept) - 1000
    Collector().look(busy=0.0)
    assert gc.get_count()[0] < 1000
