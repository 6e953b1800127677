"""The calls' log: every fact of every call, the CDR derived from it, and what happened in plain words.

calllog = CallLog(journal=..., db=..., clock=...)
calllog.open(journal.load())                # what an earlier process did not store
calllog.append(tenant, call, fact)
await calllog.close()
"""

from __future__ import annotations

from tongdai.calllog.cdr import Cdr, Direction, Disposition, LegCdr, derive
from tongdai.calllog.explain import Step, explain, one_line, tell
from tongdai.calllog.log import CallLog

__all__ = [
    "CallLog",
    "Cdr",
    "Direction",
    "Disposition",
    "LegCdr",
    "Step",
    "derive",
    "explain",
    "one_line",
    "tell",
]
