"""The program `tongdai`. What only some commands need is imported by them, so that each starts quickly."""

from __future__ import annotations

import sys

from tongdai.core.errors import TongdaiError


def main() -> None:
    """Run the command line. Errors are one line on standard error, with exit status 2."""
    arguments = sys.argv[1:]
    try:
        if arguments[:1] in (
            ["control"],
            ["web"],
        ):  # a restart is in a hurry: without the command line's libraries
            _process(arguments[0], arguments[1:])
        else:
            from tongdai.app.commands import app

            app(prog_name="tongdai")
    except TongdaiError as error:
        print(f"tongdai: {error}", file=sys.stderr)
        sys.exit(2)


def _process(name: str, arguments: list[str]) -> None:
    if len(arguments) != 2 or arguments[0] != "--config":
        raise TongdaiError(
            "usage",
            f"`tongdai {name}` is started by the supervisor.",
            "Use `tongdai serve` or `tongdai demo`.",
        )
    from tongdai.app.lean import leanly

    with leanly():
        if name == "control":
            from tongdai.app.control_process import main as process
        else:
            from tongdai.app.web import main as process
    process(arguments[1])


if __name__ == "__main__":
    main()
