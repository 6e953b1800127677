from __future__ import annotations

import asyncio

from tongdai.journal.behind import BATCH, WriteBehind


class Store:
    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.failures = 0
        self.failed = asyncio.Event()

    async def write(self, batch: list[int]) -> None:
        if self.failures:
            self.failures -= 1
            self.failed.set()
            raise ConnectionError("the database is down")
        self.batches.append(batch)


async def test_items_arrive_in_order_and_together():
    store = Store()
    behind = WriteBehind("test", store.write, linger=0)
    behind.start()
    for n in range(5):
        behind.put(n)
    await behind.flush()
    assert store.batches == [[0, 1, 2, 3, 4]]
    assert behind.backlog == 0
    assert await behind.close()


async def test_a_batch_is_bounded():
    store = Store()
    behind = WriteBehind("test", store.write, linger=0)
    for n in range(BATCH + 1):
        behind.put(n)
    behind.start()
    await behind.flush()
    assert [len(batch) for batch in store.batches] == [BATCH, 1]
    await behind.close()


async def test_a_store_that_is_down_gets_everything_later_in_order():
    store = Store()
    store.failures = 2
    behind = WriteBehind("test", store.write, linger=0, retry=(0.001,))
    behind.start()
    behind.put(1)
    await store.failed.wait()
    behind.put(2)
    await behind.flush()
    assert [n for batch in store.batches for n in batch] == [1, 2]
    assert not behind.failing
    await behind.close()


async def test_closing_gives_up_in_time_and_says_that_something_is_left():
    store = Store()
    store.failures = 1_000_000
    behind = WriteBehind("test", store.write, linger=0, retry=(10,))
    behind.start()
    behind.put(1)
    assert await behind.close(within=0.01) is False
    assert behind.backlog == 1


async def test_what_is_refused_is_set_aside_and_the_rest_is_stored():
    stored: list[int] = []
    aside: list[int] = []

    async def write(batch: list[int]) -> None:
        if 2 in batch:
            raise ValueError("not two")
        stored.extend(batch)

    behind = WriteBehind(
        "test",
        write,
        is_refusal=lambda error: isinstance(error, ValueError),
        set_aside=lambda item, _: aside.append(item),
        linger=0,
    )
    behind.start()
    for n in range(5):
        behind.put(n)
    await behind.flush()
    assert (stored, aside) == ([0, 1, 3, 4], [2])
    assert not behind.failing
    assert await behind.close()


async def test_what_must_be_read_first_is_tried_until_it_can_be_and_only_then_anything_is_written():
    store = Store()
    readings: list[int] = []

    async def read() -> None:
        readings.append(behind.backlog)
        if len(readings) < 3:
            raise ConnectionError("the database is down")
        assert store.batches == []

    behind = WriteBehind("test", store.write, linger=0, retry=(0.001,))
    behind.put(1)
    await behind.start_after(read)
    assert behind.failing
    assert (readings, behind.waiting()) == ([1], [1])
    behind.put(2)
    await behind.flush()
    assert (readings, store.batches) == ([1, 2, 2], [[1, 2]])
    assert not behind.failing
    assert await behind.close()


async def test_what_could_be_read_at_once_is_not_read_again():
    store = Store()
    readings: list[int] = []

    async def read() -> None:
        readings.append(1)

    behind = WriteBehind("test", store.write, linger=0)
    await behind.start_after(read)
    assert not behind.failing
    behind.put(1)
    await behind.flush()
    assert (len(readings), store.batches) == (1, [[1]])
    assert await behind.close()
