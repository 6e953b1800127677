"""The engine's client: commands down, typed events up, over the Unix socket of `docs/engine.md`.

client = await EngineClient.connect(path, on_event=..., on_engine=...)
client.open("leg1").add_done_callback(...)       # sent at the end of this tick, in order with all else
client.hear("leg1", wire.Echo())
"""

from __future__ import annotations

from tongdai.media.client import EngineClient
from tongdai.media.errors import EngineError, EngineGone, EngineRefused
from tongdai.media.events import EngineEvent
from tongdai.media.wire import Codec, Opened, SessionInfo

__all__ = [
    "Codec",
    "EngineClient",
    "EngineError",
    "EngineEvent",
    "EngineGone",
    "EngineRefused",
    "Opened",
    "SessionInfo",
]
