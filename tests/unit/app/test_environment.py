from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tongdai.app.supervisor.environment import Environment
from tongdai.core.binary import NAME
from tongdai.core.errors import TongdaiError
from tongdai.media.wire import PROTO


def an_environment(path: Path, python: str) -> Path:
    programs = path / "bin"
    programs.mkdir(parents=True)
    for name, text in (("python", python), (NAME, "#!/bin/sh\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return path


def test_a_directory_without_a_tongdai_is_refused(tmp_path: Path):
    with pytest.raises(TongdaiError, match="bin/python is missing"):
        Environment.at(tmp_path)


def test_a_version_says_what_it_is(tmp_path: Path):
    path = an_environment(tmp_path / "v", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    assert Environment.at(path).introduce().engine_proto == PROTO


@pytest.mark.parametrize("says", ["", "echo '{}'", "exit 3", "echo '\"nonsense\"'"])
def test_one_that_does_not_say_it_cannot_be_loaded(tmp_path: Path, says: str):
    path = an_environment(tmp_path / "v", f"#!/bin/sh\n{says}\n")
    with pytest.raises(TongdaiError, match="cannot be loaded"):
        Environment.at(path).introduce()
