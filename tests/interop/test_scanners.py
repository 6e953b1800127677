"""What attackers really use, and a tool of administrators: sipvicious and sipsak, against the demo."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo


async def run(program: str, *arguments: str, directory: Path, seconds: float = 30.0) -> tuple[int, str]:
    """Its exit code and what it printed."""
    if shutil.which(program) is None:
        pytest.fail(f"{program} is missing: make test-packages")
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=directory,
        env={"HOME": str(directory), "PATH": "/usr/bin:/bin", "TERM": "dumb"},
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), seconds)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output.decode(errors="replace")


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS"])
async def test_svwar_learns_of_no_extension(demo: Demo, tmp_path: Path, method: str):
    """Names that exist and names that do not: of each it learns the same."""
    real = [login.username for person in demo.tenant().people for login in person.devices]
    absent = [f"{name[:-1]}{'x' if name[-1] != 'x' else 'y'}" for name in real]
    names = tmp_path / "names"
    names.write_text("\n".join([*real, *absent]) + "\n")
    host, port = demo.server
    _, said = await run(
        "svwar", "-d", str(names), "-m", method, "-p", str(port), "--force", host, directory=tmp_path
    )
    found = {name: [line for line in said.splitlines() if f" {name} " in line] for name in (*real, *absent)}
    alike = {
        name: [line.replace(name, "NAME").replace(" ", "") for line in lines] for name, lines in found.items()
    }
    assert len({str(lines) for lines in alike.values()}) == 1, said


async def test_svcrack_does_not_come_to_the_password(demo: Demo, tmp_path: Path):
    known = demo.account("106")
    guesses = [f"wrong{number}" for number in range(30)]
    (tmp_path / "passwords").write_text("\n".join([*guesses, known.password, *guesses]) + "\n")
    host, port = demo.server
    arguments = ["-u", known.username, "-d", str(tmp_path / "passwords"), "-p", str(port), host]
    _, said = await run("svcrack", *arguments, directory=tmp_path)
    assert known.password not in said
    assert "passwords are being guessed" in demo.service_log()


async def test_phones_register_and_call_while_passwords_are_guessed(
    own_demo: Demo, phones: Phones, tmp_path: Path
):
    """By three at a time, as fast as they go, from the address that the phones have too."""
    own_demo.start()
    host, port = own_demo.server
    (tmp_path / "passwords").write_text("".join(f"wrong{number}\n" for number in range(100_000)))
    guessed = [own_demo.account(extension).username for extension in ("104", "105", "106")]
    scanning = [
        asyncio.ensure_future(
            run(
                "svcrack",
                "-u",
                name,
                "-d",
                "passwords",
                "-p",
                str(port),
                host,
                directory=tmp_path,
                seconds=60,
            )
        )
        for name in guessed
    ]
    try:
        await asyncio.sleep(2)
        callee = await phones.raw(own_demo.account("102"))
        for _ in range(10):
            caller = await phones.raw(own_demo.account("101"))
            near = await caller.call("102", wait="sent")
            far = await (await callee.rings()).accept()
            await near.answered()
            await near.hang_up()
            await far.hung_up()
            await caller.unregister()
        assert "passwords are being guessed" in own_demo.service_log()
    finally:
        for scan in scanning:
            scan.cancel()
        await asyncio.gather(*scanning, return_exceptions=True)


async def test_sipsak_finds_the_server(demo: Demo, tmp_path: Path):
    host, port = demo.server
    code, said = await run("sipsak", "-vv", "-s", f"sip:{host}:{port}", directory=tmp_path)
    assert code == 0, said
    assert "200" in said
