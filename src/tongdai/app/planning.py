"""From settings to a plan, and from a plan to the running supervisor."""

from __future__ import annotations

import fcntl
import ipaddress
import itertools
import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import msgspec

import tongdai
from tongdai.app import certificate as certificates
from tongdai.app.plan import DemoPlan, Listen, Plan, hand_over
from tongdai.app.settings import Settings, addresses, port_range
from tongdai.app.supervisor.sockets import outward_address, resolve
from tongdai.app.supervisor.survivors import end_survivors
from tongdai.core.errors import TongdaiError

DATABASE = "tongdai.db"
LOG = "tongdai.log"
_LOG_BYTES = 20 << 20
_GOODBYE_SECONDS = 4.0


class DemoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What only a demo is told. `carrier` is `HOST:PORT`."""

    carrier: str | None
    bench: bool


def database_url(settings: Settings) -> str:
    """The database that the settings name."""
    return settings.database or f"sqlite+aiosqlite:///{settings.data.absolute() / DATABASE}"


def plan_service(settings: Settings) -> Plan:
    """A plan for `tongdai serve`. Makes the data directory. Raises `TongdaiError`."""
    low, high = port_range(settings.media_ports)
    ports = {
        "--sip-port": settings.sip_port,
        "--tls-port": settings.tls_port,
        "--ws-port": settings.ws_port,
        "--http-port": settings.http_port,
    }
    for flag, port in ports.items():
        if low <= port <= high:
            raise TongdaiError(
                "ports_overlap",
                f"Port {port} lies within the media ports {settings.media_ports}.",
                f"Choose others with {flag} or --media-ports.",
            )
    for one, other in itertools.combinations(ports, 2):
        if ports[one] == ports[other] != 0:
            raise TongdaiError(
                "ports_overlap",
                f"Port {ports[one]} cannot be given to both {one} and {other}.",
                f"Choose another with {one} or {other}.",
            )
    data = settings.data.absolute()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise TongdaiError(
            "no_data_dir",
            f"The directory {data} cannot be made: {error.strerror}.",
            "Name another with --data.",
        ) from error
    certificate, key = certificates.paths(data, settings.tls_certificate, settings.tls_key)
    listens = _listens(settings)
    loopback = _is_loopback(listens)
    return Plan(
        data_dir=str(data),
        db_url=database_url(settings),
        listens=listens,
        sip_port=settings.sip_port,
        tls_port=settings.tls_port,
        ws_port=settings.ws_port,
        ws_tls=not loopback,
        http_port=settings.http_port,
        http_plain=loopback,
        tls_certificate=str(certificate),
        tls_key=str(key),
        sip_names=settings.sip_names,
        ws_origins=settings.ws_origins,
        dns_servers=settings.dns_servers,
        media_ports=settings.media_ports,
        media_interfaces=settings.media_interfaces or _media_interfaces(listens),
        media_latch=settings.media_latch,
        turn=settings.turn,
        ring_seconds=settings.ring_seconds,
        piper_command=settings.piper_command,
        orphan_seconds=settings.orphan_seconds,
        former_engine_hours=settings.former_engine_hours,
        alarms=settings.alarms,
        metrics_networks=settings.metrics_networks,
        trusted_proxies=settings.trusted_proxies,
        proxy_header=settings.proxy_header,
        environment=str(_environment()),
        log_level=settings.log_level,
        log_format=settings.log_format,
    )


def plan_demo(settings: Settings, options: DemoOptions) -> Plan:
    """A plan for `tongdai demo`. Raises `TongdaiError`."""
    loopback = _is_loopback(_listens(settings))
    if options.bench and not loopback:
        raise TongdaiError(
            "bench_off_loopback",
            "The benchmark's accounts have a password that everybody knows, so they are for loopback only.",
            "Leave out --bench or --host.",
        )
    carrier = _address(options.carrier) if options.carrier is not None else None
    plan = plan_service(settings)
    log = plan.data / LOG
    if log.is_file() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    demo = DemoPlan(carrier=carrier, bench=options.bench, fixed_passwords=loopback)
    return msgspec.structs.replace(plan, log_file=str(log), demo=demo)


def _listens(settings: Settings) -> list[Listen]:
    """What is listened on, with what it is called outside: the advertised address of its IP version."""
    advertised = {ipaddress.ip_address(text).version: text for text in addresses(settings.advertised_ip)}
    listens = []
    for host in addresses(settings.host):
        here = ipaddress.ip_address(host)
        public = advertised.get(here.version) or (
            outward_address(here.version) if here.is_unspecified else host
        )
        listens.append(Listen(host, public))
    if not listens:
        raise TongdaiError("no_host", "There is no address to listen on.", "Name one with --host.")
    return listens


def _is_loopback(listens: list[Listen]) -> bool:
    return all(ipaddress.ip_address(listen.host).is_loopback for listen in listens)


def _media_interfaces(listens: list[Listen]) -> str:
    """Sound comes to where SIP does; with one address the engine needs not be told."""
    return ", ".join(dict.fromkeys(x.advertised for x in listens)) if len(listens) > 1 else ""


def _environment() -> Path:
    """Where this program was started from."""
    program = Path(sys.argv[0]).absolute()
    return program.parents[1] if program.parent.name == "bin" and program.is_file() else Path(sys.prefix)


def default_demo_dir() -> Path:
    """`.demo` in the checkout, or in the working directory when tongdai was installed without one."""
    checkout = Path(tongdai.__file__).parents[2]
    return (checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()) / ".demo"


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdigit() and 0 < int(port) < 65536):
        raise TongdaiError(
            "bad_carrier",
            f"{text!r} is no carrier's address.",
            "Write host and port, e.g. --carrier 203.0.113.5:5060.",
        )
    return resolve(host.strip("[]")), int(port)


_LEFT = (
    "journal",
    "blobs",
    "refused",
    DATABASE,
    f"{DATABASE}-wal",
    f"{DATABASE}-shm",
    "secrets.json",
    "demo.json",
    "server.key",
    "tls.crt",
    "tls.key",
    LOG,
)
"""What a demo leaves. Spoken prompts stay: they are the same for the same text."""


def wipe(data: Path) -> None:
    """End and remove what an earlier demo left. Refused while one runs."""
    lock = data / "run" / "lock"
    if lock.is_file():
        with lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise TongdaiError(
                    "already_running",
                    f"A demo runs on {data}; what it serves cannot be forgotten.",
                    "Stop it first, or give this one a directory of its own with --data.",
                ) from None
        end_survivors(lock.parent, _GOODBYE_SECONDS)
    for name in _LEFT:
        path = data / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def start(plan: Plan) -> NoReturn:
    """Become the supervisor: a new program in this process, without the command line's libraries."""
    fd = hand_over(plan)
    os.set_inheritable(fd, True)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", "tongdai.app.supervisor", str(fd)])
