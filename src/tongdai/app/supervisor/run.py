"""The supervisor's life: sockets, preparation, processes, and the end in the right order."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from tongdai.app.control_config import ControlConfig, Listening, write_config
from tongdai.app.demo.show import Demo
from tongdai.app.plan import Plan, hand_over
from tongdai.app.prepare import Preparation, Prepared
from tongdai.app.supervisor.child import Child, Launch
from tongdai.app.supervisor.sockets import SipSockets, open_tcp
from tongdai.app.web_config import WebConfig
from tongdai.core.binary import engine_binary
from tongdai.core.clock import SystemClock
from tongdai.core.errors import TongdaiError
from tongdai.core.interfaces import read_interfaces
from tongdai.core.log import configure_logging, get_logger

log = get_logger(__name__)

CONTROL_SECONDS = 3.2
"""How long control may take to say goodbye; all together must be gone in five seconds."""
MEDIA_SECONDS = 1.0
WEB_SECONDS = 2.0
_SOCKET_PATH_LIMIT = 100  # a Unix socket's path may have 107 bytes
_PYTHON = (sys.executable, "-P", "-m")


class Supervisor:
    """One run."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._clock = SystemClock()
        self._stopping = asyncio.Event()
        self._failure: TongdaiError | None = None
        self._stderr = _log_fd(plan.log_file)
        self._run = plan.data / "run"
        self._run.mkdir(mode=0o700, exist_ok=True)
        self._lock = _lock(self._run / "lock")
        first = SipSockets(plan.host, plan.sip_port, plan.tls_port, plan.ws_port)
        self._sip_port, self._tls_port, self._ws_port = first.ports
        self._sip = [first, *(SipSockets(listen.host, *first.ports) for listen in plan.listens[1:])]
        self._http = open_tcp(plan.host, plan.http_port, "HTTP", "--http-port")
        self._http_port = int(self._http.getsockname()[1])
        self._lifeline, self._lifeline_end = os.pipe()
        self._engine_socket = _engine_socket(self._run)
        self._rpc_socket = self._engine_socket.with_name("control.sock")
        self._demo = (
            Demo(
                plan,
                sip_port=self._sip_port,
                tls_port=self._tls_port,
                ws_port=self._ws_port,
                http_port=self._http_port,
            )
            if plan.demo is not None
            else None
        )
        self._engine = engine_binary()
        self.media = self._child("media", self._launch_media)
        self.control = self._child("control", self._launch_control)
        self.web = self._child("web", self._launch_web)
        self.carrier = self._child("carrier", self._launch_carrier)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Raises `TongdaiError` when that cannot be."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        try:
            self.media.start()
            await self._prepare()
            if not self._stopping.is_set():
                self.control.start()
                if self._demo is not None and self._demo.simulated:
                    self.carrier.start()
            await self._stopping.wait()
        finally:
            await self._end()
        if self._failure is not None:
            raise self._failure

    # -- the processes

    def _child(self, name: str, launch: Callable[[], Launch]) -> Child:
        return Child(
            name,
            launch,
            clock=self._clock,
            stderr=self._stderr,
            on_change=self._changed,
            on_hopeless=self._hopeless,
        )

    def _launch_media(self) -> Launch:
        command = [
            str(self._engine),
            *("--socket", str(self._engine_socket)),
            *("--ip", self._media_ip()),
            *("--ports", self._plan.media_ports),
            *("--parent-fd", str(self._lifeline)),
            *("--log-level", self._plan.log_level),
        ]
        return Launch(command, fds=[self._lifeline])

    def _media_ip(self) -> str:
        """What the engine binds to when it is not told otherwise."""
        interfaces = read_interfaces(self._plan.media_interfaces)
        return interfaces[0].bind if interfaces else self._plan.advertised_ip

    def _launch_control(self) -> Launch:
        plan = self._plan
        ready, says_ready = os.pipe()
        path = self._run / "control.json"
        write_config(
            path,
            ControlConfig(
                listens=[
                    Listening(listen.advertised, *(sock.fileno() for sock in sockets.all()))
                    for listen, sockets in zip(plan.listens, self._sip, strict=True)
                ],
                lifeline_fd=self._lifeline,
                ready_fd=says_ready,
                engine_socket=str(self._engine_socket),
                rpc_socket=str(self._rpc_socket),
                data_dir=plan.data_dir,
                db_url=plan.db_url,
                sip_port=self._sip_port,
                tls_port=self._tls_port,
                ws_port=self._ws_port,
                ws_tls=plan.ws_tls,
                tls_certificate=plan.tls_certificate,
                tls_key=plan.tls_key,
                media_interfaces=plan.media_interfaces,
                sip_names=plan.sip_names,
                ws_origins=plan.ws_origins,
                dns_servers=plan.dns_servers,
                ring_seconds=plan.ring_seconds,
                piper_command=plan.piper_command,
                log_level=plan.log_level,
                log_format=plan.log_format,
            ),
        )
        return Launch(
            [*_PYTHON, "tongdai.app.cli", "control", "--config", str(path)],
            fds=[
                *(sock.fileno() for sockets in self._sip for sock in sockets.all()),
                self._lifeline,
                says_ready,
            ],
            ready=ready,
            closed=[says_ready],
        )

    def _launch_web(self) -> Launch:
        plan = self._plan
        ready, says_ready = os.pipe()
        path = self._run / "web.json"
        write_config(
            path,
            WebConfig(
                http_fd=self._http.fileno(),
                lifeline_fd=self._lifeline,
                ready_fd=says_ready,
                rpc_socket=str(self._rpc_socket),
                data_dir=plan.data_dir,
                db_url=plan.db_url,
                tls_certificate="" if plan.http_plain else plan.tls_certificate,
                tls_key="" if plan.http_plain else plan.tls_key,
                sip_host=plan.advertised_ip,
                sip_port=self._sip_port,
                tls_port=self._tls_port,
                ws_port=self._ws_port,
                ws_tls=plan.ws_tls,
                turn=plan.turn,
                piper_command=plan.piper_command,
                log_level=plan.log_level,
                log_format=plan.log_format,
            ),
        )
        return Launch(
            [*_PYTHON, "tongdai.app.cli", "web", "--config", str(path)],
            fds=[self._http.fileno(), self._lifeline, says_ready],
            ready=ready,
            closed=[says_ready],
        )

    def _launch_carrier(self) -> Launch:
        assert self._demo is not None
        config = self._demo.carrier_config(self._lifeline)
        fd = hand_over(config)
        return Launch(
            [*_PYTHON, "tongdai.app.demo.carrier_process", str(fd)],
            fds=[config.udp_fd, self._lifeline, fd],
            closed=[fd],
        )

    async def _prepare(self) -> None:
        trunk = self._demo.trunk if self._demo is not None else None
        fd = hand_over(Preparation(plan=self._plan, trunk=trunk))
        process = await asyncio.create_subprocess_exec(
            *_PYTHON,
            "tongdai.app.prepare",
            str(fd),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._stderr,
            pass_fds=[fd],
            process_group=0,
        )
        os.close(fd)
        said, _ = await process.communicate()
        try:
            prepared = msgspec.json.decode(said, type=Prepared)
        except msgspec.DecodeError:
            raise TongdaiError(
                "not_prepared",
                f"The data in {self._plan.data} could not be made ready.",
                f"See {self._where_logs_are()}.",
            ) from None
        if prepared.error:
            raise TongdaiError("not_prepared", prepared.error)
        if self._demo is not None:
            self._demo.prepared(prepared)

    def _changed(self) -> None:
        if self.control.ready and not self.web.pid and not self._stopping.is_set():
            self.web.start()  # not before, since it would take from the start of control; requests queue
        if self._demo is not None:
            pids = {
                "supervisor": os.getpid(),
                "control": self.control.pid,
                "media": self.media.pid,
                "web": self.web.pid,
            }
            self._demo.changed(pids, works=self.control.ready)
        elif self.control.ready:
            hosts = [listen.host for listen in self._plan.listens]
            log.info("taking calls", hosts=hosts, port=self._sip_port)

    def _hopeless(self, name: str) -> None:
        self._failure = TongdaiError(
            "does_not_start",
            f"The {name} process ends whenever it is started.",
            f"See why in {self._where_logs_are()}.",
        )
        self._stopping.set()

    def _where_logs_are(self) -> str:
        return self._plan.log_file or "the log above"

    # -- the end

    async def _end(self) -> None:
        await asyncio.gather(self.control.stop(CONTROL_SECONDS), self.web.stop(WEB_SECONDS))
        await asyncio.gather(self.carrier.stop(MEDIA_SECONDS), self.media.stop(MEDIA_SECONDS))
        if self._demo is not None:
            self._demo.close()
        for sock in (*(sock for sockets in self._sip for sock in sockets.all()), self._http):
            sock.close()
        for name in ("control.json", "control.json.new", "web.json", "web.json.new"):
            (self._run / name).unlink(missing_ok=True)
        self._engine_socket.unlink(missing_ok=True)
        self._rpc_socket.unlink(missing_ok=True)
        if self._engine_socket.parent != self._run:
            shutil.rmtree(self._engine_socket.parent, ignore_errors=True)
        for fd in (self._lifeline, self._lifeline_end):
            os.close(fd)
        log.info("everything ended")


def run(plan: Plan) -> int:
    """Run a plan to its end; the exit status of the program."""

    async def main() -> None:
        await Supervisor(plan).run()

    try:
        fd = _log_fd(plan.log_file)
        configure_logging(
            plan.log_format, plan.log_level, None if fd is None else os.fdopen(fd, "w", buffering=1)
        )
        asyncio.run(main())
    except TongdaiError as error:
        print(f"tongdai: {error}", file=sys.stderr)
        return 2
    return 0


def _log_fd(path: str | None) -> int | None:
    """Where the logs of all processes go; None is where ours go, too."""
    if path is None:
        return None
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _lock(path: Path) -> int:
    """Keep a second supervisor off the same data."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = os.read(fd, 20).decode("ascii", "replace").strip()
        os.close(fd)
        raise TongdaiError(
            "already_running",
            f"tongdai already runs on {path.parent.parent} (pid {pid}).",
            "Stop it first, or give this one a directory of its own with --data.",
        ) from None
    os.ftruncate(fd, 0)
    os.write(fd, str(os.getpid()).encode())
    return fd


def _engine_socket(directory: Path) -> Path:
    """In the data directory, unless its path is too long for a Unix socket."""
    path = directory / "engine.sock"
    if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT:
        return path
    return Path(tempfile.mkdtemp(prefix="tongdai-")) / "engine.sock"
