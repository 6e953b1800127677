from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdai.media import wire

FRAMES = st.lists(
    st.dictionaries(st.text(max_size=5), st.one_of(st.integers(-100, 100), st.text(max_size=20)), max_size=4),
    max_size=6,
)


@given(FRAMES, st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_frames_come_out_whole_however_the_stream_is_cut(frames: list[dict[str, Any]], cuts: list[int]):
    stream = b"".join(wire.encode(frame) for frame in frames)
    reader = wire.FrameReader()
    out: list[dict[str, Any]] = []
    position = turn = 0
    while position < len(stream):
        size = cuts[turn % len(cuts)]
        out += reader.feed(stream[position : position + size])
        position += size
        turn += 1
    assert out == frames


def test_a_frame_that_is_too_long_is_out_of_step():
    with pytest.raises(wire.OutOfStep, match="limit"):
        list(wire.FrameReader().feed((wire.MAX_FRAME + 1).to_bytes(4, "big")))


def test_a_body_that_is_no_map_is_out_of_step():
    body = msgspec.msgpack.encode([1, 2])
    with pytest.raises(wire.OutOfStep, match="map"):
        list(wire.FrameReader().feed(len(body).to_bytes(4, "big") + body))


def test_frames_before_the_broken_one_are_delivered():
    reader = wire.FrameReader()
    frames = reader.feed(wire.encode({"a": 1}) + b"\x00\x00\x00\x01\xc1")
    assert next(frames) == {"a": 1}
    with pytest.raises(wire.OutOfStep):
        next(frames)


def test_a_source_is_written_as_the_contract_says():
    decoded = msgspec.msgpack.decode(msgspec.msgpack.encode(wire.HearSession("b")))
    assert decoded == {"kind": "session", "session": "b"}
