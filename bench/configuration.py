"""What a change of the configuration costs control, by how many tenants there are.

    python bench/configuration.py [TENANTS | --quick]

The method is in bench/README.md.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import httpx
import msgspec

from harness.failure import BenchError
from harness.server import demo
from tongdai.core.ids import new_id
from tongdai.db import open_database
from tongdai.tenants.credentials import device_hashes
from tongdai.tenants.device.model import Device
from tongdai.tenants.device.store import rows as devices
from tongdai.tenants.extension.model import Destination, Extension
from tongdai.tenants.extension.store import rows as extensions
from tongdai.tenants.person.model import Person
from tongdai.tenants.person.store import rows as people
from tongdai.tenants.tenant import service as tenants
from tongdai.tenants.tenant.schema import NewTenant

SERVER_CORE, LOAD_CORE = 0, 1
PEOPLE = 100
WRITES, ROUNDS = 20, 5


async def furnish(data: Path, count: int) -> None:
    """Tenants of `PEOPLE` people with an extension and a phone each, straight into their tables."""
    db = open_database(f"sqlite+aiosqlite:///{data / 'tongdai.db'}")
    try:
        async with db.write() as connection:
            for number in range(count):
                new = NewTenant(f"Company {number}", f"company{number}.bench")
                tenant = (await tenants.create(connection, new)).id
                staff = [Person(new_id("person"), f"Person {x}") for x in range(PEOPLE)]
                await people.insert(tenant, connection, staff)
                held = [Extension(str(200 + x), Destination.PERSON, who.id) for x, who in enumerate(staff)]
                await extensions.insert(tenant, connection, held)
                phones = []
                for x, who in enumerate(staff):
                    name = f"c{number}-{200 + x}"
                    hashes = device_hashes(name, "secret") if x == 0 else {"ha1_md5": "x", "ha1_sha256": "x"}
                    phones.append(Device(new_id("device"), who.id, name, **hashes))
                await devices.insert(tenant, connection, phones)
    finally:
        await db.close()


def cpu_ms(pid: int) -> float:
    """Of every thread."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((x / "schedstat").read_text().split()[0]) for x in threads) / 1e6


def measure(count: int) -> list[float]:
    """Milliseconds of control's CPU a write, one value a round."""
    with tempfile.TemporaryDirectory(prefix="tongdai-bench-") as directory:
        data = Path(directory)
        with demo(SERVER_CORE, data):
            pass
        asyncio.run(furnish(data, count))
        with demo(SERVER_CORE, data) as server:
            facts = msgspec.json.decode((data / "demo.json").read_bytes())
            login = facts["tenants"][0]["admin"]
            with httpx.Client(base_url=facts["http"] + "/api/v1", timeout=30) as client:
                client.post("/sign-in", json=login).raise_for_status()
                base = f"/tenants/{facts['tenants'][0]['id']}/people"
                person = client.get(base).raise_for_status().json()["items"][0]["id"]
                values = []
                for turn in range(ROUNDS + 1):
                    before = cpu_ms(server.pids["control"])
                    for number in range(WRITES):
                        body = {"name": f"Somebody {turn} {number}"}
                        client.patch(f"{base}/{person}", json=body).raise_for_status()
                    values.append((cpu_ms(server.pids["control"]) - before) / WRITES)
    return values[1:]


def main(arguments: Sequence[str]) -> int:
    numbers = [int(text) for text in arguments if text.isdigit()]
    counts = numbers or ([20] if "--quick" in arguments else [0, 100, 500])
    os.sched_setaffinity(0, {LOAD_CORE})
    print("| tenants beside the demo's | people each | control, ms of CPU a write | rounds |")
    print("|---|---|---|---|")
    try:
        for count in counts:
            values = measure(count)
            rounds = " ".join(f"{x:.1f}" for x in values)
            print(f"| {count} | {PEOPLE} | {statistics.median(values):.1f} | {rounds} |", flush=True)
    except (BenchError, httpx.HTTPError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
