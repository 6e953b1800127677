"""How much memory is left: what is read of it, and when it is too little for another call."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tongdai.app import memory as module
from tongdai.app.memory import Left, Memory, memory_left

MIB = 1 << 20


@pytest.mark.parametrize(
    ("most", "least"),
    [(128 * MIB, 16), (1024 * MIB, 20), (2048 * MIB, 40), (64 * 1024 * MIB, 64)],
)
def test_how_much_must_be_left(most: int, least: int):
    assert Left("x", 0, most).least // MIB == least


def test_calls_are_refused_below_the_least_and_taken_again_when_there_is_half_as_much_more():
    memory = Memory()
    said = []
    for left in (17, 15, 17, 23, 24, 16, 15):
        memory.take([Left("the machine", 9000 * MIB, 9216 * MIB), Left("the group x", left * MIB, 512 * MIB)])
        said.append(memory.shortage)
    short = "the group x has {} MiB of memory left".format
    assert said == ["", short(15), short(17), short(23), "", "", short(15)]
    assert memory.left == 15 * MIB


def test_whatever_runs_out_first_counts():
    memory = Memory()
    memory.take([Left("the machine", 40 * MIB, 9216 * MIB), Left("the group x", 50 * MIB, 512 * MIB)])
    assert memory.shortage == "the machine has 40 MiB of memory left"


async def test_what_cannot_be_read_refuses_no_call_and_is_tried_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.001)
    stopping = asyncio.Event()
    readings = iter([[Left("the machine", 0, MIB)], None, [Left("the machine", 1, MIB)]])
    said = []

    def read() -> list[Left]:
        said.append(memory.shortage)
        reading = next(readings, [])
        if reading is None:
            raise OSError("it is gone")
        if not reading:
            stopping.set()
        return reading

    memory = Memory(read)
    await memory.run(stopping)
    short = "the machine has 0 MiB of memory left"
    assert said == ["", short, "", short]


def written(directory: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return directory


MEMINFO = "MemTotal:        2000 kB\nMemFree:          100 kB\nMemAvailable:    1500 kB\n"
MACHINE = Left("the machine", 1500 << 10, 2000 << 10)
STAT = "anon 600\nfile 300\ninactive_file 200\nactive_file 100\n"


def test_the_groups_above_count_too_and_what_the_kernel_would_give_up_of_files_is_left(tmp_path: Path):
    proc = written(
        tmp_path / "proc", {"meminfo": MEMINFO, "self/cgroup": "0::/system.slice/tongdai.service\n"}
    )
    above, own = "system.slice", "system.slice/tongdai.service"
    groups = written(
        tmp_path / "groups",
        {
            f"{above}/memory.max": "5000\n",
            f"{above}/memory.high": "max\n",
            f"{above}/memory.current": "2000\n",
            f"{above}/memory.stat": STAT,
            f"{own}/memory.max": "1000\n",
            f"{own}/memory.high": "950\n",
            f"{own}/memory.current": "900\n",
            f"{own}/memory.stat": STAT,
        },
    )
    assert memory_left(proc, groups) == [
        MACHINE,
        Left("the group tongdai.service", 300, 950),
        Left("the group system.slice", 3250, 5000),
    ]


def test_a_group_without_a_limit_has_none_left_to_speak_of(tmp_path: Path):
    proc = written(tmp_path / "proc", {"meminfo": MEMINFO, "self/cgroup": "0::/a\n"})
    groups = written(
        tmp_path / "groups",
        {"a/memory.max": "max\n", "a/memory.high": "max\n", "a/memory.current": "9\n", "a/memory.stat": STAT},
    )
    assert memory_left(proc, groups) == [MACHINE]


def test_the_first_version_of_groups_is_read_too_also_where_its_path_is_that_outside_of_a_container(
    tmp_path: Path,
):
    proc = written(
        tmp_path / "proc", {"meminfo": MEMINFO, "self/cgroup": "5:cpu:/b\n4:memory:/docker/b\n0::/\n"}
    )
    groups = written(
        tmp_path / "groups",
        {
            "memory/memory.limit_in_bytes": "1000\n",
            "memory/memory.usage_in_bytes": "990\n",
            "memory/memory.stat": "inactive_file 1\n"
            "active_file 1\n"
            "total_inactive_file 200\n"
            "total_active_file 100\n",
        },
    )
    assert memory_left(proc, groups) == [MACHINE, Left("the group memory", 260, 1000)]


def test_nothing_readable_is_nothing_read(tmp_path: Path):
    assert memory_left(tmp_path, tmp_path) == []


def test_this_machine_has_some_left():
    [machine, *_] = memory_left()
    assert 0 < machine.bytes <= machine.most
