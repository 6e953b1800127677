"""What a process does that gets no more memory, and whom the kernel ends first when a machine, or a limit of
the group that we run in, has none left."""

from __future__ import annotations

import os
from pathlib import Path

from tongdai.core.log import get_logger

log = get_logger(__name__)

_MOST = 1000


def end_without_memory(error: BaseException) -> None:
    """End this process at once when it was refused memory. What was half changed then is in no journal, and
    the process that goes on from there has room again."""
    if isinstance(error, MemoryError):
        log.critical("this process gets no more memory; it ends, and another one goes on")
        os._exit(os.EX_OSERR)


def offer_to_kernel(pid: int, more: int) -> None:
    """Have the kernel end this process before those of ours that are offered less: `more` thousandths of
    all memory count as used by it, beside what it was started with (proc_pid_oom_score_adj(5))."""
    try:
        now = int(Path("/proc/self/oom_score_adj").read_text())
        Path(f"/proc/{pid}/oom_score_adj").write_text(str(min(now + more, _MOST)))
    except (OSError, ValueError) as error:
        log.debug("the kernel cannot be told which process to end first", pid=pid, error=str(error))
