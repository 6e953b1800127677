from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from tongdai.core.binary import engine_binary
from tongdai.core.errors import TongdaiError


def test_the_engine_is_looked_for_beside_this_python_and_not_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    program = tmp_path / "tongdai-media"
    program.touch(mode=0o755)
    assert engine_binary() == program


def test_a_missing_engine_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(TongdaiError, match="make setup"):
        engine_binary()
