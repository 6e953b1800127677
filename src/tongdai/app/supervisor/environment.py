"""One installed version of tongdai: a Python environment, from which its processes are started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from tongdai.app.introduction import Introduction
from tongdai.core.binary import NAME, engine_binary
from tongdai.core.errors import TongdaiError

INTRODUCTION_SECONDS = 30.0
"""How long an environment may take to say what it is."""


class Environment(msgspec.Struct, frozen=True):
    """Where a version is."""

    path: Path
    python: str
    engine: Path

    @classmethod
    def own(cls) -> Environment:
        """The one that this program was started from. Raises `TongdaiError`."""
        return cls(Path(sys.prefix), sys.executable, engine_binary())

    @classmethod
    def at(cls, path: Path) -> Environment:
        """That of a directory, e.g. made by `python -m venv`. Raises `TongdaiError` when it is none."""
        python, engine = path / "bin" / "python", path / "bin" / NAME
        for program in (python, engine):
            if not os.access(program, os.X_OK):
                raise TongdaiError(
                    "no_environment",
                    f"{path} has no tongdai: {program} is missing.",
                    "Name the directory of an environment that it was installed into.",
                )
        return cls(path, str(python), engine)

    def command(self, module: str, *arguments: str) -> list[str]:
        """How to run a module of this version."""
        return [self.python, "-P", "-m", module, *arguments]

    def introduce(self) -> Introduction:
        """What the version says of itself. Takes as long as loading it does. Raises `TongdaiError`."""
        try:
            done = subprocess.run(
                self.command("tongdai.app.introduction"),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=INTRODUCTION_SECONDS,
                check=False,
            )
            return msgspec.json.decode(done.stdout, type=Introduction)
        except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError) as error:
            raise TongdaiError(
                "not_loaded",
                f"The version in {self.path} cannot be loaded: {_why(error)}.",
                f"See what is wrong: {self.python} -P -m tongdai.app.introduction",
            ) from error


def _why(error: Exception) -> str:
    if isinstance(error, msgspec.DecodeError):
        return "it does not say what it is"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"nothing in {INTRODUCTION_SECONDS:g} s"
    return str(error)
