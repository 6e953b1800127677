"""What a version says of itself before it is given anything to do: `python -m tongdai.app.introduction`."""

from __future__ import annotations

import sys

import msgspec


class Introduction(msgspec.Struct, frozen=True):
    """A later version may say more, and what is missing has the value of a version that did not say it."""

    version: str
    engine_proto: int
    """Which protocol of the engine its control speaks: the engine that runs is that of another version."""
    several_engines: bool = False
    """Its control commands one engine beside those that upgrades have left."""


def introduce() -> Introduction:
    """This version, whose processes can be loaded."""
    from importlib.metadata import version

    from tongdai.app import control_process, prepare, web  # noqa: F401  (that they load is what is asked)
    from tongdai.media.wire import PROTO

    return Introduction(version("tongdai"), PROTO, several_engines=True)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(introduce()))
