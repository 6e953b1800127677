"""Whether names that exist can be told from names that do not, by the time that a wrong password takes.

    python bench/enumeration.py [SAMPLES | --quick]

The method is in bench/README.md. CPU can be compared while other things run, the clock cannot.
"""

from __future__ import annotations

import os
import random
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from math import sqrt
from pathlib import Path

from harness import sipp
from harness.failure import BenchError
from harness.server import CALLEES, CALLERS, DOMAIN, Server, demo
from tongdai.sip.digest import Credentials, DigestClient
from tongdai.sip.message import Headers, Request, Response, parse

SERVER_CORE, LOAD_CORE = 0, 1
EACH = 4
"""Wrong passwords for one name: fewer than make the server refuse to look at them."""
ABSENT = range(30000, 32000)


class Prober:
    """Tries wrong passwords."""

    def __init__(self, server: Server) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((server.callers, 0))
        self._socket.settimeout(2.0)
        self._socket.connect((server.ip, server.port))
        host, port = self._socket.getsockname()
        self._here = f"{host}:{port}"
        self._schedule = Path(f"/proc/{server.pids['control']}/schedstat")
        self._numbers = 0

    def cpu(self) -> int:
        """Nanoseconds of control's main thread, once it rests."""
        before = -1
        while before != (now := int(self._schedule.read_text().split()[0])):
            before = now
            time.sleep(0.0005)
        return now

    def ask(self, name: int, *more: tuple[str, str]) -> Response:
        self._numbers += 1
        number = f"{self._numbers:08d}"
        request = Request(
            "REGISTER",
            f"sip:{DOMAIN}",
            headers=Headers.of(
                [
                    ("Via", f"SIP/2.0/UDP {self._here};branch=z9hG4bK{number};rport"),
                    ("From", f"<sip:{name}@{DOMAIN}>;tag=1"),
                    ("To", f"<sip:{name}@{DOMAIN}>"),
                    ("Call-ID", number),
                    ("CSeq", f"1{number} REGISTER"),
                    ("Contact", f"<sip:{name}@{self._here}>"),
                    *more,
                ]
            ),
        )
        self._socket.send(bytes(request))
        answer = parse(self._socket.recv(65535))
        assert isinstance(answer, Response)
        return answer

    def guess(self, name: int) -> tuple[float, float]:
        """Microseconds of the clock, and of control's CPU, that a wrong password takes."""
        challenge = self.ask(name)
        proof = DigestClient(Credentials(str(name), "a wrong password"), lambda: "c0ffee").answer(
            challenge, "REGISTER", f"sip:{DOMAIN}"
        )
        assert proof is not None
        cpu = self.cpu()
        began = time.perf_counter_ns()
        answer = self.ask(name, proof)
        took = time.perf_counter_ns() - began
        if answer.status != 401:
            raise BenchError(f"A wrong password got {answer.status}.")
        return took / 1e3, (self.cpu() - cpu) / 1e3


def auc(some: Sequence[float], others: Sequence[float]) -> float:
    """How probable it is that one of `some` is greater than one of `others` (Mann-Whitney)."""
    ranked = sorted([(value, True) for value in some] + [(value, False) for value in others])
    total, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        total += (at + end + 1) / 2 * sum(mine for _, mine in ranked[at:end])
        at = end
    return (total - len(some) * (len(some) + 1) / 2) / (len(some) * len(others))


def main(arguments: Sequence[str]) -> int:
    numbers = [int(text) for text in arguments if text.isdigit()]
    samples = numbers[0] if numbers else 400 if "--quick" in arguments else 4000
    try:
        sipp.require()
        os.sched_setaffinity(0, {LOAD_CORE})
        with (
            tempfile.TemporaryDirectory(prefix="tongdai-bench-") as directory,
            demo(SERVER_CORE, Path(directory)) as server,
            sipp.phones(server) as phones,
        ):
            phones.register(list(CALLEES), server.callees, sipp.CALLEE_PORT, rate=250)
            prober = Prober(server)
            kinds: dict[str, Sequence[int]] = {
                "registered": CALLEES,
                "not registered": CALLERS,
                "absent": ABSENT,
                "absent too": ABSENT,
            }
            mixed = [(kind, name) for kind, names in kinds.items() for name in names for _ in range(EACH)]
            random.Random(7).shuffle(mixed)
            taken: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
            for _ in range(200):
                prober.guess(ABSENT[-1] + 1 + prober._numbers)
            for kind, name in mixed[:samples]:
                taken[kind].append(prober.guess(name))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    absent = taken["absent"]
    print("| name | samples | median µs | AUC by the clock | AUC by CPU | error (95 %) |")
    print("|---|---|---|---|---|---|")
    for kind in ("registered", "not registered", "absent too"):
        some = taken[kind]
        chance = 1.96 * sqrt((len(some) + len(absent) + 1) / (12 * len(some) * len(absent)))
        clock, cpu = (auc([x[i] for x in some], [x[i] for x in absent]) for i in (0, 1))
        median = sorted(x[0] for x in some)[len(some) // 2]
        print(f"| {kind} | {len(some)} | {median:.0f} | {clock:.3f} | {cpu:.3f} | ± {chance:.3f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
