"""The wheel of this checkout, another version made of it, and environments that they are installed into."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.faults.version import Change

CHECKOUT = Path(__file__).parents[2]
BUILD = 1800.0
"""Seconds that it may take where the engine is still to be compiled. After `make setup` it takes a few."""


def build(directory: Path) -> Path:
    """As whoever releases it does, but that nothing is left in the checkout for the next build to find."""
    run(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"),
        f"--config-settings=--global-option=build --build-base={directory / 'build'}",
        f"--wheel-dir={directory}",
        str(CHECKOUT),
    )
    [wheel] = directory.glob("*.whl")
    return wheel


def another(wheel: Path, version: str, change: Change) -> Path:
    """The same with another version, and something that is different."""
    name, old, new = change
    package, was, tags = wheel.stem.split("-", 2)
    made = wheel.with_name(f"{package}-{version}-{tags}.whl")
    record = f"{package}-{version}.dist-info/RECORD"
    lines = []
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(made, "w") as target:
        for item in source.infolist():
            content = source.read(item)
            item.filename = item.filename.replace(f"{package}-{was}.", f"{package}-{version}.")
            if item.filename == f"{package}/{name}":
                assert content.count(old.encode()) == 1
                content = content.replace(old.encode(), new.encode())
            elif item.filename.endswith(".dist-info/METADATA"):
                content = content.replace(f"\nVersion: {was}\n".encode(), f"\nVersion: {version}\n".encode())
            elif item.filename == record:
                continue
            target.writestr(item, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append(f"{item.filename},sha256={digest},{len(content)}\n")
        target.writestr(record, "".join([*lines, f"{record},,\n"]))
    return made


def run(*command: str | Path) -> None:
    """AssertionError when it fails."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BUILD, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}\n{done.stderr}"


def installed(
    wheel: Path, directory: Path, *, ours: Path = Path(sys.prefix), run: Callable[..., object] = run
) -> Path:
    """Into an environment of its own, which has everything but tongdai from ours."""
    place = Path(sysconfig.get_path("platlib")).relative_to(sys.prefix)
    run(Path(sys.executable).resolve(), "-m", "venv", "--without-pip", directory)
    run(
        *(ours / "bin" / "uv", "pip", "install", "--quiet", "--no-cache", "--offline", "--no-deps"),
        *("--compile-bytecode", f"--python={directory}", wheel),
    )
    # a directory that is named so comes last, and its own .pth files, which name the checkout, are not read
    run("sh", "-c", f"echo {ours / place} >{directory / place}/dependencies.pth")
    return directory
