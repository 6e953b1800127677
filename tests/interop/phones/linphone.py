"""liblinphone (Debian 5.1) as a phone: one process each, with WAVs for sound (`linphone_core.py`)."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.interop.phones.linphone_core import LIBRARY
from tests.interop.phones.raw import Account
from tests.interop.phones.sound import PATIENCE, RATE, Sound, write_tone
from tests.interop.ports import free_port

_CORE = Path(__file__).with_name("linphone_core.py")
_WAV_HEADER = 44
_RATES = {"PCMU": 8000, "PCMA": 8000, "G722": 16000, "opus": 48000}


def installed() -> bool:
    """Whether the library is on this machine."""
    return any(Path("/usr/lib").glob(f"*/{LIBRARY}"))


class Linphone:
    """One process with one account. It is an Ear for the call that it is in."""

    def __init__(
        self,
        account: Account,
        directory: Path,
        *,
        tone: int,
        codec: str = "opus",
        transport: str = "udp",
        protect: str = "none",
        insists: bool = True,
        trusted: Path | None = None,
    ) -> None:
        """With `protect="srtp"` it takes no other calls, if it `insists`. Over TLS it asks for a certificate
        that is signed by one in `trusted`."""
        self.account = account
        self.directory = directory
        self.tone = tone
        self.events: list[str] = []
        self._codec = codec
        self._transport = transport
        self._protect = protect
        self._insists = insists and protect != "none"
        self._trusted = trusted
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._arrived = asyncio.Event()

    async def open(self) -> Linphone:
        """Write the configuration and start the process."""
        (self.directory / "home/.local/share/linphone").mkdir(parents=True)  # it does not start without
        write_tone(self.directory / "tone.wav", self.tone, 120)
        (self.directory / "config").write_text(self._configuration())
        files = [self.directory / name for name in ("config", "tone.wav", "heard.wav")]
        with (self.directory / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(_CORE), self._transport, str(free_port()), *map(str, files)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, "HOME": str(self.directory / "home")},
            )
        self._reader = asyncio.ensure_future(self._read())
        return self

    async def close(self) -> None:
        """End the process (it hangs up and unregisters); kill it when it does not go."""
        if self._process is not None and self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), PATIENCE)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._reader is not None:
            self._reader.cancel()

    def log(self) -> str:
        """What the library had to complain of."""
        return (self.directory / "log").read_text(errors="replace")

    def samples(self, rate: int = RATE) -> Sound:
        """What was heard in the call. (A WAV gets its header when it is finished.)"""
        path = self.directory / "heard.wav"
        written = path.read_bytes()[_WAV_HEADER:] if path.exists() else b""
        pcm = np.frombuffer(written, "<i2", len(written) // 2).astype(np.float64) / 32768
        return pcm[:: _RATES[self._codec] // rate]

    # --- what a user does

    async def command(self, text: str) -> None:
        assert self._process is not None, "linphone is not open"
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode() + b"\n")
        await self._process.stdin.drain()

    async def registered(self) -> Linphone:
        """Wait until it takes calls."""
        await self.event("core on")
        await self.event("registration ok")
        return self

    async def dial(self, target: str) -> None:
        await self.command(f"call {self.account.uri(target)}")

    async def accept(self, *, mark: int = 0) -> None:
        """Wait until it rings, and take the call."""
        await self.event("call incoming", mark=mark)
        await self.command("answer")
        await self.event("call talking", mark=mark)

    async def hang_up(self) -> None:
        await self.command("hang-up")

    async def hung_up(self, *, mark: int = 0) -> None:
        """Wait until the call has ended."""
        await self.event("call end", mark=mark)

    async def hold(self) -> None:
        mark = len(self.events)
        await self.command("hold")
        await self.event("call held", mark=mark)

    async def resume(self) -> None:
        mark = len(self.events)
        await self.command("resume")
        await self.event("call talking", mark=mark)

    async def transfer(self, target: str) -> None:
        """Send the other party there."""
        await self.command(f"transfer {self.account.uri(target)}")

    async def watch(self, target: str, package: str) -> None:
        """Subscribe to it, and wait until that is accepted."""
        mark = len(self.events)
        await self.command(f"subscribe {package} {self.account.uri(target)}")
        await self.event("subscription active", mark=mark)

    async def befriend(self, target: str) -> None:
        """Ask for their presence."""
        await self.command(f"friend {self.account.uri(target)}")

    async def told(self, package: str, true: Callable[[str], bool]) -> str:
        """Wait until the latest body of that package says so; returns it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while True:
            start = f"notify {package} "
            bodies = [
                json.loads(event.removeprefix(start)) for event in self.events if event.startswith(start)
            ]
            if bodies and true(bodies[-1]):
                return str(bodies[-1])
            assert loop.time() < deadline, f"linphone was not told; last: {bodies[-1:]}\n{self.log()[-3000:]}"
            await asyncio.sleep(0.05)

    async def press(self, keys: str) -> None:
        await self.command(f"keys {keys}")

    async def hears_keys(self, keys: str) -> None:
        """Wait until these came, one after the other."""
        mark = 0
        for key in keys:
            await self.event(f"key {key}", mark=mark)
            mark = self.events.index(f"key {key}", mark) + 1

    async def event(self, text: str, *, within: float = PATIENCE, mark: int = 0) -> None:
        """Wait for it; `mark` leaves out the first so many events."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while text not in self.events[mark:]:
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), max(0.0, deadline - loop.time()))
            except TimeoutError:
                what = f"linphone {self.account.username}: no {text!r} in {within} s"
                raise AssertionError(f"{what}; events {self.events}\n{self.log()[-3000:]}") from None

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.events.append(line.decode().strip())
            self._arrived.set()

    def _configuration(self) -> str:
        host, port = self.account.server
        domain = self.account.domain or f"{host}:{port}"
        codecs = [
            f"[audio_codec_{number}]\nmime={name}\nrate={8000 if name == 'G722' else rate}\n"
            f"channels={2 if name == 'opus' else 1}\nenabled={int(name == self._codec)}\n"
            for number, (name, rate) in enumerate(_RATES.items())
        ]
        return "\n".join(
            [
                *("[sip]", "default_proxy=0", f"media_encryption={self._protect}"),
                f"media_encryption_mandatory={int(self._insists)}",
                *([f"root_ca={self._trusted}"] if self._trusted else []),
                *("[rtp]", "audio_rtp_port=16000-19999"),
                *("[auth_info_0]", f"username={self.account.username}", f"passwd={self.account.password}"),
                *("[proxy_0]", f"reg_proxy=<sip:{host}:{port};transport={self._transport}>"),
                *("reg_sendregister=1", "reg_expires=300"),
                *(f"reg_identity=sip:{self.account.username}@{domain}", "publish=0", *codecs),
            ]
        )
