"""The web process: every object of it, its start, and its end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from pathlib import Path
from typing import Any

import uvloop
from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from tongdai.api.app import make_app
from tongdai.api.context import Context, SipAddress
from tongdai.api.guesses import Guesses
from tongdai.api.hub import Hub
from tongdai.api.metrics import WebMetrics
from tongdai.api.rpc.client import RpcClient
from tongdai.api.writing import Writer
from tongdai.app.alarms.outbound import read_networks
from tongdai.app.control_config import read_config
from tongdai.app.demo.outside_route import outside_router
from tongdai.app.lifeline import Lifeline
from tongdai.app.prepare import OFFERS_FILE
from tongdai.app.process import MOST_FILES, open_many_files
from tongdai.app.server_key import server_key
from tongdai.app.web_config import WebConfig
from tongdai.blobs import LocalBlobs
from tongdai.core.clock import SystemClock
from tongdai.core.log import configure_logging, get_logger
from tongdai.core.proxies import Proxies
from tongdai.db import open_database
from tongdai.db.engine import IMPATIENT_MS
from tongdai.speech import Speech, SpeechSettings

log = get_logger(__name__)

BACKLOG = 1024


class _Server(Server):
    """granian in this process, on the socket that the supervisor handed down."""

    def __init__(self, fd: int, target: Any, **options: Any) -> None:
        super().__init__(target, interface=Interfaces.ASGINL, http=HTTPModes.auto, backlog=BACKLOG, **options)
        self._fd = fd

    def _init_shared_socket(self) -> None:
        self._ssp = None
        self._shd: Any = SocketHolder(self._fd, False, BACKLOG)  # type: ignore[call-arg]  # not in its stub


async def serve(config: WebConfig) -> None:
    """Answer HTTP until SIGTERM, or until the supervisor is gone."""
    clock = SystemClock()
    data = Path(config.data_dir)
    db = open_database(config.db_url, busy_ms=IMPATIENT_MS)
    hub = Hub()
    control = RpcClient(Path(config.rpc_socket), on_told=hub.on_told, on_gap=hub.on_gap)
    speech = Speech(data / "speech", SpeechSettings.of(config.piper_command))
    secure = bool(config.tls_certificate)
    app = make_app(
        Context(
            db=db,
            control=control,
            writer=Writer(db, control, hub, clock),
            hub=hub,
            blobs=LocalBlobs(data / "blobs"),
            speech=speech,
            guesses=Guesses(),
            metrics=WebMetrics(),
            clock=clock,
            key=server_key(data),
            sip=SipAddress(
                host=config.sip_host,
                udp=config.sip_port,
                tcp=config.sip_port,
                tls=config.tls_port,
                ws=config.ws_port,
                ws_tls=config.ws_tls,
            ),
            turn=config.turn,
            watchers=read_networks(config.metrics_networks),
            proxies=Proxies(read_networks(config.trusted_proxies), config.proxy_header),
            secure=secure,
            data=data,
            offers=data / OFFERS_FILE,
        ),
        [outside_router(config.outside)] if config.outside is not None else [],
    )
    options: dict[str, Any] = {}
    if secure:
        options |= {"ssl_cert": Path(config.tls_certificate), "ssl_key": Path(config.tls_key)}
    # of connections, each of which is a page that listens to events, or somebody who says nothing
    server = _Server(config.http_fd, app, log_enabled=False, backpressure=MOST_FILES, **options)
    following = asyncio.create_task(control.run(), name="control")
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    lifeline = Lifeline(
        config.lifeline_fd, config.orphan_seconds, sockets=[config.http_fd], on_over=stopping.set
    )
    serving = asyncio.create_task(server.serve(), name="http")
    lifeline.say_ready(config.ready_fd)
    log.info("answering HTTP", address=_bound(config.http_fd), secure=secure)
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
    lifeline.close()
    server.stop()  # type: ignore[no-untyped-call]
    hub.close()
    following.cancel()
    await asyncio.wait([serving], timeout=1.0)
    await speech.close()
    await db.close()
    log.info("stopped")


def _bound(fd: int) -> str:
    with socket.socket(fileno=os.dup(fd)) as bound:
        return "{}:{}".format(*bound.getsockname()[:2])


def main(config_path: str) -> None:
    """`tongdai web`: what the supervisor starts."""
    config = read_config(Path(config_path), WebConfig)
    configure_logging(config.log_format, config.log_level)
    logging.getLogger("_granian").setLevel(logging.WARNING)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    open_many_files()
    uvloop.run(serve(config))
