"""The golden vectors of the engine's command channel, read from the Python side (docs/engine.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec.msgpack
import pytest

FOLDER = Path(__file__).parent


def vectors() -> list[tuple[str, dict[str, Any]]]:
    """All vectors, with a name for the test."""
    return [
        (f"{kind}: {vector['name']}", vector)
        for kind in ("commands", "replies", "events")
        for vector in json.loads((FOLDER / f"{kind}.json").read_text("utf-8"))
    ]


VECTORS = vectors()


@pytest.mark.parametrize("vector", [vector for _, vector in VECTORS], ids=[name for name, _ in VECTORS])
def test_a_frame_is_its_value_and_its_value_is_the_frame(vector: dict[str, Any]) -> None:
    frame = bytes.fromhex(vector["frame"])
    length, content = int.from_bytes(frame[:4], "big"), frame[4:]
    assert length == len(content)
    assert msgspec.msgpack.decode(content) == vector["value"]
    assert msgspec.msgpack.encode(vector["value"]) == content


def test_every_kind_of_message_has_a_vector() -> None:
    values = [vector["value"] for _, vector in VECTORS]
    ops = {value["op"] for value in values if "op" in value and "ev" not in value}
    assert len(ops) == 21
    events = {value["ev"] for value in values if "ev" in value}
    assert events == {
        "dtmf",
        "play_done",
        "record_done",
        "latched",
        "moved",
        "secured",
        "insecure",
        "expired",
        "quiet",
        "heard",
        "error",
        "orphaned",
    }
    errors = {value["error"] for value in values if value.get("ok") is False}
    assert errors == {
        "bad_command",
        "no_session",
        "no_mixer",
        "exists",
        "no_ports",
        "bad_ip",
        "bad_file",
        "bad_value",
        "internal",
    }
