"""Fuzz one target with atheris (coverage-guided, libFuzzer):

    make fuzz TARGET=message SECONDS=1200

The text of SIP is read by an extension (`crates/sip-grammar`), which `make fuzz` builds once more with the
coverage that guides libFuzzer. What is new goes into `.fuzz/NAME`, which begins with what earlier runs have
found (`grown.tar.xz`); a crash leaves a file `crash-…` there: put it into `corpus/NAME` and mend it. After a
long run keep what was found:

    tar -C .fuzz -cJf tests/fuzz/grown.tar.xz ./message ./stream ./websocket ./agent ./sdp ./digest ./uri
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import atheris

SEEDS = Path(__file__).with_name("corpus")
GRAMMAR = "tongdai.sip.message.grammar"
BUILT = Path("target/fuzz/libsip_grammar.so")


def load_grammar() -> None:
    """Let the stack read with the extension that was built for fuzzing, and libFuzzer see its coverage.

    What was built so calls libFuzzer, which is in one of atheris' own two extensions. Once others see that,
    atheris takes the one without, which must keep to its own variables."""
    flags = sys.getdlopenflags()
    for extension, how in (("with", os.RTLD_GLOBAL), ("without", os.RTLD_DEEPBIND)):
        sys.setdlopenflags(flags | how)
        importlib.import_module(f"atheris.core_{extension}_libfuzzer")
    sys.setdlopenflags(flags)
    loader = ExtensionFileLoader(GRAMMAR, str(BUILT.resolve()))
    spec = spec_from_loader(GRAMMAR, loader)
    assert spec is not None
    sys.modules[GRAMMAR] = module_from_spec(spec)
    loader.exec_module(sys.modules[GRAMMAR])


def main() -> None:
    name, seconds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "60"
    load_grammar()
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
