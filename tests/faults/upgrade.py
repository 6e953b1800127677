"""`tongdai upgrade` on a demo that runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.faults.version import another_version
from tests.interop.demo import TONGDAI, Demo
from tests.interop.phones.raw import RawPhone

UPGRADE = 300.0
"""Seconds for all of it on a machine that has much else to do."""


class Upgrade:
    """`tongdai upgrade`, and what it says."""

    def __init__(self, victim: Demo, process: asyncio.subprocess.Process) -> None:
        self._victim = victim
        self._process = process
        self.said = ""

    @classmethod
    async def begin(cls, victim: Demo, *environment: Path, tongdai: Path = TONGDAI) -> Upgrade:
        """To the version of that environment; without one to that of the command."""
        process = await asyncio.create_subprocess_exec(
            str(tongdai),
            "upgrade",
            *map(str, environment),
            f"--data={victim.directory}",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return cls(victim, process)

    async def says(self, text: str) -> None:
        """Wait until it says that."""
        assert self._process.stdout is not None
        async with asyncio.timeout(UPGRADE):
            while text not in self.said:
                line = (await self._process.stdout.readline()).decode()
                assert line, f"it never said {text!r}:\n{self.said}"
                self.said += line

    async def succeeds(self) -> bool:
        """Wait for its end."""
        assert self._process.stdout is not None
        async with asyncio.timeout(UPGRADE):
            self.said += (await self._process.stdout.read()).decode()
            status = await self._process.wait()
        self._victim.reread()
        return status == 0


async def upgraded(victim: Demo, directory: Path) -> Upgrade:
    """Serve with another version, made in `directory`, from now on."""
    upgrade = await Upgrade.begin(victim, another_version(directory))
    assert await upgrade.succeeds(), upgrade.said
    return upgrade


async def product(phone: RawPhone) -> str:
    """Which version answers."""
    uri = f"sip:{phone.account.server[0]}"
    return (await phone.send(phone.request("OPTIONS", uri, uri))).get("server")
