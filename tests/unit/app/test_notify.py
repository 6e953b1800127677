"""systemd is told once that calls are taken, and nobody else tells it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tongdai.app.supervisor.systemd import NAME, Notify


@pytest.mark.parametrize("abstract", [False, True])
def test_it_is_told_once_and_what_is_started_then_does_not_know_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + path if abstract else path)
        systemd.setblocking(False)
        monkeypatch.setenv(NAME, "@" + path if abstract else path)
        notify = Notify()
        assert NAME not in os.environ
        notify.ready()
        assert systemd.recv(100) == b"READY=1"
        notify.ready()
        with pytest.raises(BlockingIOError):
            systemd.recv(100)


def test_without_systemd_nobody_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(NAME, raising=False)
    Notify().ready()


def test_a_systemd_that_does_not_listen_keeps_nothing_from_serving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(NAME, str(tmp_path / "nobody"))
    Notify().ready()
