"""baresip (Debian 1.0) as a phone: one process each, driven over its control port, with WAVs for sound.

What it hears is written by its `sndfile` module after decoding, with no time for packets that never came.
Once this version put a call on hold it records no more: its re-INVITE drops the decode filters.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tests.interop.phones.raw import Account
from tests.interop.phones.sound import RATE, Sound, write_tone
from tests.interop.ports import free_port

_MODULES = Path("/usr/lib/baresip/modules")
_WAV_HEADER = 44
_START = 5.0

Event = dict[str, Any]


def installed() -> bool:
    """Whether baresip and the modules that are needed are on this machine."""
    needed = ("g711", "g722", "opus", "srtp", "sndfile", "aubridge", "aufile", "account", "menu", "ctrl_tcp")
    return shutil.which("baresip") is not None and all((_MODULES / f"{name}.so").exists() for name in needed)


class Baresip:
    """One baresip process with one account. It is an Ear for the call that it is in."""

    def __init__(
        self,
        account: Account,
        directory: Path,
        *,
        tone: int,
        transport: str = "udp",
        codecs: str = "pcmu,pcma",
        protect: str = "",
        host: str = "127.0.0.1",
        within: Sequence[str] = (),
        watchful: bool = False,
        certificate: Path | None = None,
    ) -> None:
        """`protect`: "srtp" for calls that may be protected, "srtp-mand" for those that must be. `host` is
        its address, `within` the command that runs it in another network. One that is `watchful`
        (RFC 5626) registers again when its connection is lost, others when it is time to refresh. With a
        `certificate` (PEM, its key behind it) it registers nowhere and is called over TLS."""
        self.account = account
        self.directory = directory
        self.tone = tone
        self.events: list[Event] = []
        self.sip_port = free_port(size=2)
        self._transport = transport
        self._codecs = codecs
        self._protect = f";mediaenc={protect}" if protect else ""
        self._nat = ";sipnat=outbound" if watchful else ""
        self._host = host
        self._certificate = certificate
        self._within = within
        self._control = free_port()
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.Task[None] | None = None
        self._replies: asyncio.Queue[Event] = asyncio.Queue()
        self._arrived = asyncio.Event()

    async def open(self) -> Baresip:
        """Write the configuration, start the process and connect to its control port."""
        self.sound_directory.mkdir(parents=True)
        write_tone(self.directory / "tone.wav", self.tone, 120)
        (self.directory / "config").write_text(self._configuration())
        (self.directory / "accounts").write_text(self._account_line())
        with (self.directory / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(*self._within, "baresip", "-4", "-s", "-f", str(self.directory)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
            )
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _START
        while self._reader is None:
            try:
                reader, self._writer = await asyncio.open_connection("127.0.0.1", self._control)
                self._reader = asyncio.ensure_future(self._read(reader))
            except OSError:
                assert loop.time() < deadline, f"baresip did not start:\n{self.log()[-2000:]}"
                await asyncio.sleep(0.05)
        return self

    async def close(self) -> None:
        """End the process (it hangs up and unregisters); kill it when it does not go."""
        if self._reader is not None:
            self._reader.cancel()
        if self._writer is not None:
            self._writer.close()
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), 3.0)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    @property
    def sound_directory(self) -> Path:
        return self.directory / "sound"

    def log(self) -> str:
        """What the process printed: its SIP trace above all."""
        return (self.directory / "log").read_text(errors="replace")

    def samples(self, rate: int = RATE) -> Sound:
        """What was heard in all calls so far, oldest first."""
        parts = [_at(rate, path.read_bytes()) for path in sorted(self.sound_directory.glob("*-dec.wav"))]
        return np.concatenate([np.zeros(0), *parts])

    # --- what a user does

    async def command(self, name: str, parameters: str = "") -> str:
        """Run a command as typed at its prompt; returns what it prints, AssertionError when it is refused."""
        assert self._writer is not None, "baresip is not open"
        while not self._replies.empty():
            self._replies.get_nowait()
        text = json.dumps({"command": name, "params": parameters}).encode()
        self._writer.write(b"%d:%s," % (len(text), text))
        reply = await asyncio.wait_for(self._replies.get(), 3.0)
        assert reply["ok"], f"baresip refused {name} {parameters}: {reply['data']}"
        return str(reply["data"])

    def registrations(self) -> int:
        """How often it was registered or refreshed so far."""
        return len(re.findall(r"200 OK .*\[\d+ binding", self.log()))

    async def registered(self, within: float = 5.0, *, mark: int = 0) -> Baresip:
        """Wait until the registration stands (its event may come before we are connected); `mark` leaves out
        the first so many."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while self.registrations() <= mark:
            assert loop.time() < deadline, f"not registered in {within} s:\n{self.log()[-3000:]}"
            await asyncio.sleep(0.05)
        return self

    async def dial(self, target: str) -> None:
        await self.command("dial", self.account.uri(target))

    async def call(self, target: str, within: float = 5.0) -> None:
        """Dial and wait for the answer."""
        mark = len(self.events)
        await self.dial(target)
        await self.event("CALL_ESTABLISHED", within=within, mark=mark)

    async def accept(self, within: float = 5.0) -> Event:
        """Wait until it rings, and take the call; returns the event of the incoming call."""
        event = await self.event("CALL_INCOMING", within=within)
        mark = len(self.events)
        await self.command("accept")
        await self.event("CALL_ESTABLISHED", within=within, mark=mark)
        return event

    async def hang_up(self) -> None:
        await self.command("hangup")

    async def hung_up(self, within: float = 3.0) -> Event:
        """Wait until the last call ended; returns its event."""
        return await self.event("CALL_CLOSED", within=within)

    async def hold(self) -> None:
        await self.command("hold")

    async def resume(self) -> None:
        await self.command("resume")

    async def transfer(self, target: str) -> None:
        """Blind transfer of the current call."""
        await self.command("transfer", self.account.uri(target))

    async def press(self, keys: str) -> None:
        for key in keys:
            await self.command("sndcode", key)
            await asyncio.sleep(0.25)

    def keys(self) -> str:
        """The DTMF keys received so far."""
        return "".join(str(event["param"]) for event in self.events if event.get("type") == "CALL_DTMF_START")

    async def hears_keys(self, keys: str, within: float = 3.0) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while self.keys() != keys:
            assert loop.time() <= deadline, f"baresip received the keys {self.keys()!r}, expected {keys!r}"
            await asyncio.sleep(0.05)

    async def event(self, kind: str, *, within: float = 5.0, mark: int = 0) -> Event:
        """Wait for an event of that type; `mark` leaves out the first so many events."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while True:
            found = [event for event in self.events[mark:] if event.get("type") == kind]
            if found:
                return found[-1]
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), max(0.0, deadline - loop.time()))
            except TimeoutError:
                seen = [f"{event.get('type')} {event.get('param', '')}" for event in self.events]
                what = f"baresip {self.account.username}: no {kind} in {within} s"
                raise AssertionError(f"{what}; events {seen}\n{self.log()[-3000:]}") from None

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                size = int((await reader.readuntil(b":"))[:-1])
                message: Event = json.loads((await reader.readexactly(size + 1))[:-1])
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            if "event" in message:
                self.events.append(message)
                self._arrived.set()
            else:
                self._replies.put_nowait(message)

    def _configuration(self) -> str:
        lines = [
            "poll_method epoll",
            f"sip_listen {self._host}:{self.sip_port}",
            "sip_verify_server no",
            *([f"sip_certificate {self._certificate}"] if self._certificate else []),
            f"net_interface {self._host}",
            "call_local_timeout 120",
            "call_max_calls 8",
            f"audio_source aufile,{self.directory}/tone.wav",
            "audio_player aubridge,sink",
            "audio_alert aubridge,alert",
            *("ausrc_srate 8000", "auplay_srate 8000", "ausrc_channels 1", "auplay_channels 1"),
            "audio_buffer 20-160",
            "rtp_ports 12000-15999",
            f"module_path {_MODULES}",
            *(
                f"module {name}.so"
                for name in ("g711", "g722", "opus", "srtp", "sndfile", "aubridge", "aufile")
            ),
            *("module_tmp uuid.so", "module_tmp account.so"),
            *("module_app menu.so", "module_app ctrl_tcp.so", "module_app debug_cmd.so"),
            f"ctrl_tcp_listen 127.0.0.1:{self._control}",
            f"snd_path {self.sound_directory}",
            *("ringback_disabled yes", "menu_bell no", "statmode_default off"),
        ]
        return "\n".join(lines) + "\n"

    def _account_line(self) -> str:
        host, port = self.account.server
        domain = self.account.domain or f"{host}:{port}"
        proxy = f'outbound="sip:{host}:{port};transport={self._transport}"'
        login = f"auth_user={self.account.username};auth_pass={self.account.password}"
        interval = 0 if self._certificate else 300
        return (
            f"<sip:{self.account.username}@{domain};transport={self._transport}>;{login};{proxy};"
            f"regint={interval};answermode=manual;audio_codecs={self._codecs}{self._protect}{self._nat}\n"
        )


def _at(wanted: int, wav: bytes) -> Sound:
    """The sound of a WAV that is still written. (Each codec has its rate; what is played to a phone that is
    listened to at a lower one must have no tone above half of that.)"""
    if len(wav) < _WAV_HEADER:
        return np.zeros(0)
    channels, rate = struct.unpack_from("<HI", wav, 22)
    frames = (len(wav) - _WAV_HEADER) // (2 * channels)
    pcm = np.frombuffer(wav, "<i2", frames * channels, _WAV_HEADER).astype(np.float64) / 32768
    mono: Sound = pcm.reshape(-1, channels).mean(axis=1)
    return mono[:: rate // wanted]


def header_in_trace(log: str, start: str, name: str) -> list[str]:
    """The values of a header in those messages of a SIP trace whose start line begins with `start`."""
    values = []
    for block in log.split("#\n"):
        lines = block.splitlines()
        if any(line.startswith(start) for line in lines[:3]):
            values += [v.group(1).strip() for line in lines if (v := re.match(rf"(?i){name}\s*:(.*)", line))]
    return values
