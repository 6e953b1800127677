"""How commands ask the tongdai that runs on a directory."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TypeVar

from tongdai.api.rpc import messages as m
from tongdai.api.rpc.client import RpcClient
from tongdai.app.control_config import ControlConfig, read_config
from tongdai.core.errors import TongdaiError

A = TypeVar("A")


async def ask(data: Path, request: m.Request, expected: type[A]) -> A:
    """Its answer. Raises `TongdaiError`: when none runs, or when it refuses."""
    path = data / "run" / "control.json"
    if not path.is_file():
        raise TongdaiError(
            "not_running",
            f"No tongdai runs on {data}, and only a running one knows this.",
            "Start it by `tongdai serve` or `tongdai demo`, or name its directory with --data.",
        )
    config = read_config(path, ControlConfig)
    client = RpcClient(Path(config.rpc_socket), on_told=lambda _: None, on_gap=lambda: None)
    connecting = asyncio.create_task(client.run())
    try:
        return await client.ask(request, expected)
    finally:
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await connecting
