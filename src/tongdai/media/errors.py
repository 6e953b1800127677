"""Errors of the engine's client. Each says whose fault it is by its class."""

from __future__ import annotations


class EngineError(Exception):
    """A command was not carried out."""


class EngineRefused(EngineError):
    """The engine answered with an error. `code` is one of docs/engine.md, e.g. `no_ports`."""

    def __init__(self, op: str, code: str, detail: str = "") -> None:
        super().__init__(f"the media engine refused {op!r}: {code}" + (f" ({detail})" if detail else ""))
        self.op = op
        self.code = code
        self.detail = detail


class EngineGone(EngineError):
    """There is no engine on the socket now, or it did not answer in time. `on_engine` tells when it is
    back."""
