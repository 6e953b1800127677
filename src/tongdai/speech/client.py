"""The worker as seen from the process that needs sound: started on demand, ended when idle."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from tongdai.core.log import get_logger
from tongdai.core.memory import offer_to_kernel
from tongdai.speech import jobs
from tongdai.speech.errors import SpeechError

log = get_logger(__name__)

IDLE_SECONDS = 30.0
JOB_SECONDS = 150.0
_OFFERED = 800
"""The kernel shall end the worker first for want of memory: only what it does just now is lost."""
_decode = msgspec.msgpack.Decoder(jobs.Answer).decode
_encode = msgspec.msgpack.Encoder().encode


class WorkerClient:
    """Jobs are done one after the other, in the order in which they were asked for."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS, job_seconds: float = JOB_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._job_seconds = job_seconds
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """The worker's process, while there is one."""
        return self._process.pid if self._process else None

    async def run(self, job: jobs.Job) -> jobs.Done:
        """Have a job done. Raises `SpeechError` with the worker's reason, or when it dies or takes too
        long."""
        async with self._turn:
            if self._idle:
                self._idle.cancel()
            try:
                async with asyncio.timeout(self._job_seconds):
                    answer = await self._ask(await self._started(), job)
            except BaseException as error:
                # whatever it was doing, its next answer would be to this job
                await self._kill()
                if isinstance(error, TimeoutError):
                    raise SpeechError(
                        "speech_timeout",
                        f"Making sound took more than {self._job_seconds:.0f} s.",
                        "Use less text.",
                    ) from error
                if isinstance(error, OSError | EOFError):
                    raise SpeechError(
                        "speech_worker_died", "The process that makes sound ended early.", "Its log says why."
                    ) from error
                raise
            self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._end_idle)
        if isinstance(answer, jobs.Failed):
            raise SpeechError(answer.code, answer.message, answer.remedy)
        return answer

    async def close(self) -> None:
        """End the worker; the next job would start another."""
        async with self._turn:
            if self._idle:
                self._idle.cancel()
            await self._end()
        await asyncio.gather(*self._ending)

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            # -P and the directory: the working directory of a server is nobody's source of modules
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "tongdai.speech.worker",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=Path("/"),
                start_new_session=True,
            )  # fmt: skip
            offer_to_kernel(self._process.pid, _OFFERED)
            log.debug("speech worker started", pid=self._process.pid)
        return self._process

    async def _ask(self, process: asyncio.subprocess.Process, job: jobs.Job) -> jobs.Answer:
        assert process.stdin is not None
        assert process.stdout is not None
        body = _encode(job)
        process.stdin.write(len(body).to_bytes(jobs.HEADER, "big") + body)
        await process.stdin.drain()
        header = await process.stdout.readexactly(jobs.HEADER)
        answer: jobs.Answer = _decode(await process.stdout.readexactly(int.from_bytes(header, "big")))
        return answer

    def _end_idle(self) -> None:
        task = asyncio.get_running_loop().create_task(self._end_unless_busy())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end_unless_busy(self) -> None:
        if not self._turn.locked():
            async with self._turn:
                await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()
            log.debug("speech worker ended", pid=process.pid)

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
