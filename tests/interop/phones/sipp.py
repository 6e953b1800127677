"""SIPp: scenarios in `sipp/*.xml`, run once or many times against the demo, judged by their exit code."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from tests.interop.phones.raw import Account
from tests.interop.ports import bound, free_port

from tongdai.sip.flow import hostport

SCENARIOS = Path(__file__).parent.parent / "sipp"


def installed() -> bool:
    """Whether SIPp is on this machine."""
    return shutil.which("sipp") is not None


class Sipp:
    """One run of SIPp with one scenario, as one phone."""

    def __init__(
        self,
        scenario: str,
        account: Account,
        directory: Path,
        *,
        target: str = "service",
        transport: str = "u1",
        calls: int = 1,
        seconds: float = 15,
        port: int = 0,
        rate: int = 0,
        repeats: bool = True,
        keys: dict[str, str] | None = None,
    ) -> None:
        """One call after the other, or so many begun a second (`rate`). Without `repeats` nothing is sent
        again by SIPp, and what comes again is a step of the scenario."""
        self.port = port or free_port()
        self._directory = directory
        self._scenario = scenario
        self._seconds = seconds
        self._process: asyncio.subprocess.Process | None = None
        host, port = account.server
        here = "::1" if ":" in host else "127.0.0.1"
        self._command = [
            *("sipp", hostport((host, port)), "-auth_uri", hostport((host, port))),
            *("-sf", str(SCENARIOS / f"{scenario}.xml"), "-s", target),
            *("-i", here, "-p", str(self.port), "-mi", here, "-mp", str(free_port(size=4))),
            *("-t", transport, "-m", str(calls), "-nostdin", "-timeout", f"{seconds:.0f}s"),
            *(("-r", str(rate), "-l", str(calls)) if rate else ("-l", "1")),
            *("-timeout_error", "-recv_timeout", f"{seconds * 1000:.0f}", "-trace_err", "-trace_msg"),
            *("-error_file", str(directory / "errors"), "-message_file", str(directory / "messages")),
            *("-au", account.username, "-ap", account.password),
            *("-key", "user", account.username, "-key", "domain", account.domain or host),
        ]
        if not repeats:
            self._command.append("-nr")
        for name, value in (keys or {}).items():
            self._command += ["-key", name, value]

    async def open(self) -> Sipp:
        """Start; a scenario that waits for calls is ready when this returns."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self._directory,
        )
        async with asyncio.timeout(10):
            while self._process.returncode is None and not bound(self.port):
                await asyncio.sleep(0.02)
        return self

    async def finished(self) -> None:
        """Wait for the end of the scenario; AssertionError unless every call went as written."""
        assert self._process is not None, "SIPp is not open"
        try:
            output, _ = await asyncio.wait_for(self._process.communicate(), self._seconds + 5)
        except TimeoutError:
            await self.close()
            raise AssertionError(f"SIPp {self._scenario} did not end:\n{self.messages()[-4000:]}") from None
        if self._process.returncode != 0:
            errors = self._directory / "errors"
            what = errors.read_text(errors="replace") if errors.exists() else output.decode(errors="replace")
            raise AssertionError(
                f"SIPp {self._scenario} ended with {self._process.returncode}:\n{what[-2000:]}\n"
                f"--- messages\n{self.messages()[-6000:]}"
            )

    async def run(self) -> None:
        """Start and wait for the end."""
        await self.open()
        await self.finished()

    def messages(self) -> str:
        """Every SIP message sent and received."""
        path = self._directory / "messages"
        return path.read_text(errors="replace") if path.exists() else ""

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
