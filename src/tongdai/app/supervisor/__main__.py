"""See `tongdai.app.supervisor`."""

from __future__ import annotations

import sys

from tongdai.app.lean import leanly

with leanly():
    from tongdai.app.plan import Plan, take_over
    from tongdai.app.supervisor.run import run

sys.exit(run(take_over(int(sys.argv[1]), Plan)))
