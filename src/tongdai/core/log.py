"""Structured logs on standard error: one JSON object a line, or coloured lines for a terminal.

    log = get_logger(__name__)
    with log_context(tenant=tenant_id, call=call_id):
        log.info("call offered", number=number)

Every line has `timestamp` (UTC), `level`, `logger` and `event`, and the tenant, call and leg of the context
it was written in (contextvars: a task inherits them from the one that made it). What other libraries log
through `logging` comes out alike. Secrets are taken out on the way (tongdai.core.redact).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TextIO

import structlog

from tongdai.core.errors import TongdaiError
from tongdai.core.redact import redact_fields
from tongdai.core.tenancy import TenantId

_FORMATS = ("json", "console")
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure_logging(
    output_format: str = "json",
    level: str = "info",
    stream: TextIO | None = None,
) -> None:
    """Set up all logging of this process. `stream` is standard error when left out. May be called again.

    `output_format` is json or console; `level` is debug, info, warning or error.
    """
    if output_format not in _FORMATS:
        raise TongdaiError(
            "bad_log_format", f"{output_format!r} is no log format.", f"Use {' or '.join(_FORMATS)}."
        )
    if level not in _LEVELS:
        raise TongdaiError(
            "bad_log_level", f"{level!r} is no log level.", f"Use one of {', '.join(_LEVELS)}."
        )
    out = stream if stream is not None else sys.stderr
    shared: list[structlog.typing.Processor] = [
        _merge_context,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _redact,
    ]
    renderer: structlog.typing.Processor
    if output_format == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=out.isatty())
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(_LEVELS[level])
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module: `get_logger(__name__)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


class _Context:
    """Structlog's own contextvars, one variable a field, cost more than what is done inside."""

    __slots__ = ("_fields", "_token")

    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields

    def __enter__(self) -> None:
        outer = _context.get()
        self._token = _context.set({**outer, **self._fields} if outer else self._fields)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _context.reset(self._token)


_nothing: Mapping[str, str] = {}
_context: ContextVar[Mapping[str, str]] = ContextVar("log_context", default=_nothing)


def log_context(
    *, tenant: TenantId | None = None, call: str | None = None, leg: str | None = None
) -> _Context:
    """Lines written inside (`with log_context(...):`) carry these; what is left out stays as it was
    outside."""
    given = {"tenant": tenant, "call": call, "leg": leg}
    return _Context({name: value for name, value in given.items() if value is not None})


def _merge_context(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for name, value in _context.get().items():
        event.setdefault(name, value)
    return event


def _redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # structlog's own fields (`_record`, ...) are objects that later processors need
    own = {name: value for name, value in event.items() if name.startswith("_")}
    return redact_fields({name: value for name, value in event.items() if name not in own}) | own
