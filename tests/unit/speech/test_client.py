from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tongdai.speech import jobs
from tongdai.speech.client import WorkerClient
from tongdai.speech.errors import SpeechError


def gone(pid):
    return not Path(f"/proc/{pid}").exists()


async def test_starts_on_demand_and_answers_each_in_turn(tmp_path):
    client = WorkerClient()
    assert client.pid is None
    asked = [jobs.Tone(name, str(tmp_path / f"{name}.wav")) for name in ("beep", "left")]
    done = await asyncio.gather(*(client.run(job) for job in asked))
    assert [round(d.seconds, 2) for d in done] == [0.4, 0.28]
    pid = client.pid
    with pytest.raises(SpeechError, match="no sound file"):
        await client.run(jobs.Convert(b"x", str(tmp_path / "x.wav")))
    assert client.pid == pid
    await client.close()
    assert client.pid is None
    assert gone(pid)


async def test_ends_when_idle_and_comes_back(tmp_path):
    client = WorkerClient(idle_seconds=0.01)
    await client.run(jobs.Tone("beep", str(tmp_path / "a.wav")))
    first = client.pid
    assert first is not None
    async with asyncio.timeout(10):
        while not gone(first):
            await asyncio.to_thread(subprocess.run, ["true"], check=True)
    await client.run(jobs.Tone("beep", str(tmp_path / "b.wav")))
    assert client.pid != first
    await client.close()


async def test_a_worker_that_dies_is_an_error_and_the_next_job_has_another(tmp_path):
    client = WorkerClient()
    await client.run(jobs.Tone("beep", str(tmp_path / "a.wav")))
    assert client.pid is not None
    os.kill(client.pid, signal.SIGSTOP)
    job = asyncio.create_task(client.run(jobs.Tone("beep", str(tmp_path / "b.wav"))))
    os.kill(client.pid, signal.SIGKILL)
    with pytest.raises(SpeechError, match="ended early"):
        await job
    await client.run(jobs.Tone("beep", str(tmp_path / "b.wav")))
    await client.close()


async def test_a_job_that_takes_too_long_is_given_up(tmp_path):
    client = WorkerClient(job_seconds=0.05)
    with pytest.raises(SpeechError, match="took more than"):
        await client.run(jobs.Speak(jobs.Command(("sleep", "60")), "words", str(tmp_path / "a.wav")))
    assert client.pid is None
    await client.close()


async def test_whoever_stops_waiting_leaves_no_answer_behind_for_the_next(tmp_path):
    client = WorkerClient()
    long = asyncio.create_task(client.run(jobs.Music(1, str(tmp_path / "m.wav"))))
    short = asyncio.create_task(client.run(jobs.Tone("beep", str(tmp_path / "b.wav"))))
    await client_busy(client)
    long.cancel()
    assert (await short).seconds == pytest.approx(0.4)
    await client.close()


async def client_busy(client):
    async with asyncio.timeout(10):
        while client.pid is None:
            await asyncio.to_thread(subprocess.run, ["true"], check=True)


def test_the_process_that_asks_loads_neither_numpy_nor_the_voice():
    """They cost 200 MiB and half a second, and the signalling process has no use for them."""
    heavy = "('numpy', 'soxr', 'hibari', 'onnxruntime')"
    code = f"import sys, tongdai.speech; print([m for m in {heavy} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
