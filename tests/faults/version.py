"""Another version of tongdai in an environment of its own: this one's packages, and a copy of its source in
which something is different."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

import tongdai
from tongdai.core.binary import NAME

Change = tuple[str, str, str]
"""In this file of the package, this text becomes that."""

NEXT: Change = ("sip/ua/agent.py", 'product: str = "tongdai"', 'product: str = "tongdai-next"')
"""So that it can be told by what it says of itself in SIP."""


def another_version(
    directory: Path,
    changes: Sequence[Change] = (NEXT,),
    *,
    files: Mapping[str, str] | None = None,
    engine: str = "",
) -> Path:
    """Make it in `directory`, and return that. `files` are those that it has beside this one's;
    `engine` is a shell script in place of the engine."""
    source, programs = directory / "lib", directory / "bin"
    package = Path(tongdai.__file__).parent
    shutil.copytree(package, source / "tongdai", ignore=shutil.ignore_patterns("*.pyc.*"))
    for name, old, new in changes:
        path = source / "tongdai" / name
        text = path.read_text()
        assert text.count(old) == 1, f"{name} has {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new))
    for name, text in (files or {}).items():
        (source / "tongdai" / name).write_text(text)
    programs.mkdir()
    if engine:
        (programs / NAME).write_text(f"#!/bin/sh\n{engine}\n")
        (programs / NAME).chmod(0o755)
    else:
        (programs / NAME).symlink_to(Path(sysconfig.get_path("scripts")) / NAME)
    python = programs / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{source}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return directory
