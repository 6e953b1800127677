"""The simulated carrier's process. Run as `python -m tongdai.app.demo.carrier_process FD`."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import sys

from tongdai.app.demo.carrier import Account, Carrier
from tongdai.app.demo.carrier_config import CarrierConfig
from tongdai.app.lifeline import Lifeline
from tongdai.app.plan import take_over
from tongdai.core.clock import SystemClock
from tongdai.core.log import configure_logging, get_logger
from tongdai.sip.flow import Flow
from tongdai.sip.transport.udp import UdpTransport

log = get_logger(__name__)


async def serve(config: CarrierConfig) -> None:
    """Be the carrier until SIGTERM, or until the supervisor is gone."""
    loop = asyncio.get_running_loop()
    clock = SystemClock().monotonic
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    lifeline = Lifeline(
        config.lifeline_fd, config.orphan_seconds, sockets=[config.udp_fd], on_over=stopping.set
    )
    timer: asyncio.TimerHandle | None = None
    scheduled = False

    def stir() -> None:
        nonlocal scheduled
        if not scheduled:
            scheduled = True
            loop.call_soon(flush)

    def flush() -> None:
        nonlocal scheduled, timer
        scheduled = False
        for flow, data in carrier.ua.drain():
            transport.send(flow, data)
        if timer is not None:
            timer.cancel()
        deadline = carrier.ua.deadline()
        timer = None if deadline is None else loop.call_at(loop.time() + max(0.0, deadline - clock()), due)

    def due() -> None:
        carrier.ua.on_timers(clock())
        stir()

    carrier = Carrier(
        host=config.host,
        port=config.port,
        pbx=(config.pbx_host, config.pbx_port),
        account=Account(config.username, config.password),
        secret=secrets.token_bytes(32),
        clock=clock,
        on_output=stir,
    )

    def received(data: bytes, flow: Flow) -> None:
        carrier.ua.receive(data, flow, clock())
        stir()

    transport = await UdpTransport.open(
        socket.socket(fileno=config.udp_fd), received, advertised=(config.host, config.port)
    )
    lifeline.ready = True
    log.info("the simulated carrier works", host=config.host, port=config.port)
    await stopping.wait()
    lifeline.close()
    for session in carrier.ua.sessions():
        session.bye()
    flush()
    await transport.close()


def main(fd: int) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    config = take_over(fd, CarrierConfig)
    configure_logging(config.log_format, config.log_level)
    asyncio.run(serve(config))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
