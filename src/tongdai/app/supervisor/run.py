"""The supervisor's life: sockets, preparation, processes, and the end in the right order."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tongdai.app.control_config import ControlConfig, Listening, read_config, serves, write_config
from tongdai.app.demo.show import Demo
from tongdai.app.plan import Plan, hand_over
from tongdai.app.prepare import Preparation, Prepared
from tongdai.app.supervisor.child import Child, Launch
from tongdai.app.supervisor.engines import Engines
from tongdai.app.supervisor.environment import Environment
from tongdai.app.supervisor.requests import REQUESTS, Requests
from tongdai.app.supervisor.sockets import SipSockets, is_bound, open_tcp
from tongdai.app.supervisor.survivors import (
    ELSEWHERE,
    PROCESSES,
    Survivor,
    end,
    find_survivor,
    lifeline_of,
    open_lifeline,
    socket_directory,
)
from tongdai.app.supervisor.systemd import Notify
from tongdai.app.supervisor.upgrade import Upgrade
from tongdai.app.web_config import WebConfig
from tongdai.core.clock import SystemClock
from tongdai.core.errors import TongdaiError
from tongdai.core.interfaces import read_interfaces
from tongdai.core.log import configure_logging, get_logger
from tongdai.media.wire import PROTO

log = get_logger(__name__)

CONTROL_SECONDS = 3.2
"""How long control may take to say goodbye; all together must be gone in five seconds."""
MEDIA_SECONDS = 1.0
WEB_SECONDS = 2.0
WEB_READY_SECONDS = 60.0
"""How long the web process may take to begin; even a crowded machine needs a tenth of it."""
_NEXT = ".next"
"""Marks what belongs to a process that is to take the place of another, until it has."""


class Supervisor:
    """One run."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._clock = SystemClock()
        self._stopping = asyncio.Event()
        self._serving = 0
        """The control process of which the log says that it takes calls."""
        self._failure: TongdaiError | None = None
        self._notify = Notify()
        self._stderr = _log_fd(plan.log_file)
        self._run = plan.data / "run"
        self._run.mkdir(mode=0o700, exist_ok=True)
        self._lock = _lock(self._run / "lock")
        self._sockets = socket_directory(self._run)
        self._left = {name: left for name in PROCESSES if (left := find_survivor(self._lifeline(name)))}
        """What a former supervisor has left, until it is adopted or ended."""
        self._sip = self._sip_sockets()
        self._sip_port, self._tls_port, self._ws_port = self._sip[0].ports
        self._http = self._http_socket()
        self._http_port = int(self._http.getsockname()[1])
        self._rpc_socket = self._sockets / "control.sock"
        self._demo = (
            Demo(
                plan,
                sip_port=self._sip_port,
                tls_port=self._tls_port,
                ws_port=self._ws_port,
                http_port=self._http_port,
                left=self._left.get("carrier"),
            )
            if plan.demo is not None
            else None
        )
        self.environment = Environment.own()
        """The version that what ends is started in."""
        self.engines = Engines(
            self._sockets,
            self.environment,
            self._engine_options(),
            lambda name, launch, vital: self._child(name, launch, vital=vital),
            patience=plan.former_engine_hours * 3600,
        )
        self.control = self._child("control", lambda: self._launch_control(self.environment))
        # calls go on without pages: it is tried for ever, and one that hangs is killed
        self.web = self._child(
            "web", lambda: self._launch_web(self.environment), vital=False, ready_within=WEB_READY_SECONDS
        )
        self.carrier = self._child("carrier", self._launch_carrier)
        self._successor: Child | None = None
        self._requests = Requests(self._sockets / REQUESTS, Upgrade(self, engine_proto=PROTO))

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Raises `TongdaiError` when that cannot be."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        try:
            self.engines.begin()
            await self._prepare_or_go_on()
            if not self._stopping.is_set():
                if self._demo is not None and self._demo.simulated:
                    self._begin(self.carrier)
                self._begin(self.control, self._is_current("control", self._control_config()))
                await self._requests.open()
            await self._stopping.wait()
        finally:
            await self._end()
        if self._failure is not None:
            raise self._failure

    # -- what a former supervisor has left

    def _lifeline(self, name: str) -> Path:
        return lifeline_of(self._sockets, name)

    def _sip_sockets(self) -> list[SipSockets]:
        """Those that control has kept, if they are those of the plan; else new ones, and a new control."""
        plan = self._plan
        ports = plan.sip_port, plan.tls_port, plan.ws_port
        if left := self._left.get("control"):
            kept = [SipSockets(*left.sockets[n : n + 4]) for n in range(0, len(left.sockets), 4)]
            hosts = [listen.host for listen in plan.listens]
            if len(kept) == len(hosts) and all(map(lambda x, host: x.serve(host, *ports), kept, hosts)):
                return kept
            self._end_left("control")
        first = SipSockets.open(plan.host, *ports)
        return [first, *(SipSockets.open(listen.host, *first.ports) for listen in plan.listens[1:])]

    def _http_socket(self) -> socket.socket:
        if left := self._left.get("web"):
            if is_bound(left.sockets[0], self._plan.host, self._plan.http_port):
                return left.sockets[0]
            self._end_left("web")
        return open_tcp(self._plan.host, self._plan.http_port, "HTTP", "--http-port")

    def _end_left(self, name: str) -> None:
        left = self._left.pop(name)
        for sock in left.sockets:
            sock.close()
        _replace(name, left)

    def _is_current(self, name: str, config: ControlConfig | WebConfig) -> bool:
        """Whether what is left of that name was started with this configuration."""
        try:
            return serves(read_config(self._run / f"{name}.json", type(config)), config)
        except TongdaiError:
            return False

    def _begin(self, child: Child, is_current: bool = True) -> None:
        """Adopt what is left; start it when nothing is, or another than what is wanted."""
        left = self._left.pop(child.name, None)
        if left is None:
            child.start()
        elif left.ready and is_current:
            child.adopt(left)
        else:
            _replace(child.name, left)
            child.start()

    # -- the processes

    def _child(
        self,
        name: str,
        launch: Callable[[], Launch],
        *,
        vital: bool = True,
        ready_within: float | None = None,
        on_trial: bool = False,
    ) -> Child:
        return Child(
            name,
            launch,
            clock=self._clock,
            stderr=self._stderr,
            on_change=self._changed,
            on_hopeless=self._hopeless if vital else None,
            ready_within=ready_within,
            on_trial=on_trial,
        )

    def successor(self, name: str, environment: Environment) -> Child:
        """Implements `upgrade.Running`."""
        launch = self._launch_control if name == "control" else self._launch_web
        child = self._child(
            name,
            lambda: launch(environment, waits=child.on_trial),
            vital=False,
            ready_within=WEB_READY_SECONDS if name == "web" else None,
            on_trial=True,
        )
        self._successor = child
        return child

    def promote(self, child: Child) -> None:
        """Implements `upgrade.Running`."""
        name = child.name
        for kept in (self._lifeline(name), self._run / f"{name}.json"):
            kept.with_name(f"{name}{_NEXT}{kept.suffix}").replace(kept)
        setattr(self, name, child)
        self._changed()

    def _reload(self) -> None:
        """SIGHUP: serve with what is installed where this was started from."""
        self._requests.upgrade_soon(self._plan.environment)

    def _engine_options(self) -> list[str]:
        return [
            *("--ip", self._media_ip()),
            *("--ports", self._plan.media_ports),
            *("--orphan-seconds", str(self._plan.orphan_seconds)),
            *("--latch", self._plan.media_latch),
            *("--log-level", self._plan.log_level),
        ]

    def _media_ip(self) -> str:
        """What the engine binds to when it is not told otherwise."""
        interfaces = read_interfaces(self._plan.media_interfaces)
        return interfaces[0].bind if interfaces else self._plan.advertised_ip

    def _launch_control(self, environment: Environment, *, waits: bool = False) -> Launch:
        return self._launch_python(
            "control",
            environment,
            [sock for sockets in self._sip for sock in sockets],
            lambda lifeline, ready: self._control_config(lifeline, ready, waits),
            waits,
        )

    def _launch_web(self, environment: Environment, *, waits: bool = False) -> Launch:
        return self._launch_python("web", environment, [self._http], self._web_config, waits)

    def _launch_python(
        self,
        name: str,
        environment: Environment,
        inherited: Sequence[socket.socket],
        config: Callable[[int, int], ControlConfig | WebConfig],
        waits: bool,
    ) -> Launch:
        """`config` is made of the descriptors of its lifeline and of where it says that it works."""
        ready, says_ready = os.pipe()
        name += _NEXT if waits else ""
        lifeline, hold = open_lifeline(self._lifeline(name))
        path = self._run / f"{name}.json"
        write_config(path, config(lifeline.fileno(), says_ready))
        return Launch(
            environment.command("tongdai.app.cli", name.removesuffix(_NEXT), "--config", str(path)),
            fds=[*(sock.fileno() for sock in inherited), lifeline.fileno(), says_ready],
            ready=ready,
            closed=[says_ready, lifeline.detach()],
            hold=hold,
        )

    def _control_config(
        self, lifeline_fd: int = -1, ready_fd: int = -1, waits: bool = False
    ) -> ControlConfig:
        plan = self._plan
        return ControlConfig(
            listens=[
                Listening(listen.advertised, *(sock.fileno() for sock in sockets))
                for listen, sockets in zip(plan.listens, self._sip, strict=True)
            ],
            lifeline_fd=lifeline_fd,
            ready_fd=ready_fd,
            waits=waits,
            orphan_seconds=plan.orphan_seconds,
            engine_socket=str(self.engines.socket),
            former_engine_sockets=[str(path) for path in self.engines.former_sockets],
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
            trusted_proxies=plan.trusted_proxies,
            proxy_header=plan.proxy_header,
            dns_servers=plan.dns_servers,
            ring_seconds=plan.ring_seconds,
            alarms=plan.alarms,
            piper_command=plan.piper_command,
            log_level=plan.log_level,
            log_format=plan.log_format,
        )

    def _web_config(self, lifeline_fd: int = -1, ready_fd: int = -1) -> WebConfig:
        plan = self._plan
        return WebConfig(
            http_fd=self._http.fileno(),
            lifeline_fd=lifeline_fd,
            ready_fd=ready_fd,
            orphan_seconds=plan.orphan_seconds,
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
            metrics_networks=plan.metrics_networks,
            trusted_proxies=plan.trusted_proxies,
            proxy_header=plan.proxy_header,
            piper_command=plan.piper_command,
            outside=self._demo.outside if self._demo is not None else None,
            log_level=plan.log_level,
            log_format=plan.log_format,
        )

    def _launch_carrier(self) -> Launch:
        assert self._demo is not None
        lifeline, hold = open_lifeline(self._lifeline("carrier"))
        config = self._demo.carrier_config(lifeline.fileno())
        fd = hand_over(config)
        return Launch(
            Environment.own().command("tongdai.app.demo.carrier_process", str(fd)),
            fds=[config.udp_fd, lifeline.fileno(), fd],
            closed=[fd, lifeline.detach()],
            hold=hold,
        )

    async def _prepare_or_go_on(self) -> None:
        """Where calls are served already, they are not ended because the database is gone just now."""
        left = self._left.get("control")
        try:
            await self.prepare(self.environment)
        except TongdaiError as error:
            if self._demo is not None or left is None or not left.ready:
                raise
            log.error("the data could not be made ready; what serves goes on", why=str(error))

    async def prepare(self, environment: Environment) -> None:
        """Bring the data up to what that version needs; also while another one serves."""
        trunk = self._demo.trunk if self._demo is not None else None
        fd = hand_over(Preparation(plan=self._plan, trunk=trunk))
        process = await asyncio.create_subprocess_exec(
            *environment.command("tongdai.app.prepare", str(fd)),
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
                f"See {self.where_logs_are()}.",
            ) from None
        if prepared.error:
            raise TongdaiError("not_prepared", prepared.error)
        if self._demo is not None:
            self._demo.prepared(prepared)

    def _changed(self) -> None:
        if self.control.ready and not self.web.pid and not self._stopping.is_set():
            # not before, since it would take from the start of control; requests queue
            self._begin(self.web, self._is_current("web", self._web_config()))
        if self._demo is not None:
            pids = {
                "supervisor": os.getpid(),
                "control": self.control.pid,
                "media": self.engines.current.pid,
                "web": self.web.pid,
            }
            self._demo.changed(pids, works=self.control.ready)
        elif self.control.ready:
            if self._serving != self.control.pid:
                self._serving = self.control.pid
                hosts = [listen.host for listen in self._plan.listens]
                log.info("taking calls", hosts=hosts, port=self._sip_port)
            self._notify.ready()

    def _hopeless(self, name: str) -> None:
        self._failure = TongdaiError(
            "does_not_start",
            f"The {name} process ends whenever it is started.",
            f"See why in {self.where_logs_are()}.",
        )
        self._stopping.set()

    def where_logs_are(self) -> str:
        """For people."""
        return self._plan.log_file or "the log"

    # -- the end

    async def _end(self) -> None:
        await self._requests.close()
        if self._successor not in (None, self.control, self.web):
            await self._successor.end()
        await asyncio.gather(self.control.stop(CONTROL_SECONDS), self.web.stop(WEB_SECONDS))
        await asyncio.gather(self.carrier.stop(MEDIA_SECONDS), self.engines.stop(MEDIA_SECONDS))
        if self._demo is not None:
            self._demo.close()
        for sock in (*(sock for sockets in self._sip for sock in sockets), self._http):
            sock.close()
        for name in ("control", "web"):
            for config in self._run.glob(f"{name}.*json*"):
                config.unlink()
        for path in (self._rpc_socket, *map(self._lifeline, PROCESSES)):
            path.unlink(missing_ok=True)
        if self._sockets != self._run:
            shutil.rmtree(self._sockets, ignore_errors=True)
            (self._run / ELSEWHERE).unlink(missing_ok=True)
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


def _replace(name: str, left: Survivor) -> None:
    """End a process without goodbyes: the next of its kind goes on with the calls."""
    log.warning("process of another configuration ended", process=name, pid=left.pid)
    end(left, 0)
