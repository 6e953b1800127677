"""Fuzz one target with atheris (coverage-guided, libFuzzer):

    make fuzz TARGET=message SECONDS=1200

What is new goes into `.fuzz/NAME`, which begins with what earlier runs have found (`grown.tar.xz`); a crash
leaves a file `crash-…` there: put it into `corpus/NAME` and mend it. After a long run keep what was found:

    tar -C .fuzz -cJf tests/fuzz/grown.tar.xz ./message ./stream ./websocket ./agent ./sdp ./digest ./uri
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import atheris

SEEDS = Path(__file__).with_name("corpus")


def main() -> None:
    name, seconds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "60"
    with atheris.instrument_imports(include=["tongdai"]):
        from tests.fuzz.targets import TARGETS
    from tests.fuzz.kept import grown

    if name not in TARGETS:
        sys.exit(f"There is no target {name!r}: choose of {', '.join(TARGETS)}.")
    found = Path(".fuzz") / name
    if not found.is_dir():
        found.mkdir(parents=True)
        for file, data in grown(name):
            (found / file).write_bytes(data)
    (SEEDS / name).mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={found}{os.sep}", "-timeout=5"]
    options += ["-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=0"]
    if (dictionary := SEEDS / "words.dict").exists():
        options.append(f"-dict={dictionary}")
    atheris.Setup([sys.argv[0], *options, str(found), str(SEEDS / name)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
