"""A process that is restarted in a hurry, and runs for months, imports what it needs and nothing else."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def leanly() -> Iterator[None]:
    """Import inside of this block.

    structlog would import rich (a tenth of the start, 8 MiB) for coloured tracebacks that only a terminal
    shows. And collecting garbage while modules load finds none; what is loaded stays, so later collections
    need not look at it."""
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # "there is no such module", says the import system
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
