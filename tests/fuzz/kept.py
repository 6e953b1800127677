"""What long runs of the fuzzers have found to widen coverage."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

GROWN = Path(__file__).with_name("grown.tar.xz")


def grown(name: str) -> Iterator[tuple[str, bytes]]:
    """The inputs of one target, with the names of their files."""
    with tarfile.open(GROWN) as archive:
        for member in archive:
            folder, _, file = member.name.removeprefix("./").partition("/")
            if folder == name and (content := archive.extractfile(member)) is not None:
                yield file, content.read()
