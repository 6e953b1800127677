from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tongdai.core import memory
from tongdai.core.memory import end_without_memory, offer_to_kernel

WITHOUT_MEMORY = """
import resource
from tongdai.core.memory import end_without_memory
resource.setrlimit(resource.RLIMIT_AS, (512 << 20, resource.RLIM_INFINITY))
try:
    bytearray(1 << 40)
except Exception as error:
    end_without_memory(error)
print("went on")
"""


def test_a_process_that_is_refused_memory_ends_at_once():
    done = subprocess.run([sys.executable, "-c", WITHOUT_MEMORY], capture_output=True, text=True, check=False)
    assert done.returncode == os.EX_OSERR, done.stderr
    assert "went on" not in done.stdout


def test_any_other_fault_ends_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "_exit", lambda status: pytest.fail("it ends"))
    end_without_memory(RuntimeError())


def offered(pid: int | str) -> int:
    with open(f"/proc/{pid}/oom_score_adj") as file:
        return int(file.read())


@pytest.mark.parametrize("more", [0, 100, 800])
def test_the_kernel_is_told_how_much_sooner_to_end_a_process(more: int):
    child = subprocess.Popen(["sleep", "60"])
    try:
        offer_to_kernel(child.pid, more)
        assert offered(child.pid) == min(offered("self") + more, memory._MOST)
    finally:
        child.kill()
        child.wait()


def test_one_that_has_ended_meanwhile_is_no_error():
    child = subprocess.Popen(["true"])
    child.wait()
    offer_to_kernel(child.pid, 100)
