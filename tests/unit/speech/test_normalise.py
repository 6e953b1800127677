from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdai.speech.normalise import normalise, without_accents


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Dial extension 101.", "Dial extension one zero one."),
        ("Press 1 for sales.", "Press 1 for sales."),
        ("Our ext. 204 is free", "Our ext. two zero four is free"),
        ("Open 24 hours since 1998.", "Open 24 hours since 1998."),
        (
            "Call +84 28 7123 4500 now.",
            "Call plus eight four, two eight, seven one two three, four five zero zero now.",
        ),
        ("Hotline: 1900 1234.", "Hotline: one nine zero zero, one two three four."),
        ("Press *97, then #.", "Press star nine seven, then hash key."),
        ("We open at 08:30.", "We open at 8 30 A M."),
        ("We close at 17:00, not 17:05.", "We close at 5 P M, not 5 oh 5 P M."),
        ("Call at 9:30 am", "Call at 9:30 am"),
        ("Sales & Support", "Sales and Support"),
        ("Closed on 01.02.2026", "Closed on 01.02.2026"),
        ("Nguyễn Đức Trường", "Nguyen Duc Truong"),
        ("a  b\n c", "a b c"),
    ],
)
def test_english(text, spoken):
    assert normalise(text, "en") == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Bấm số 101 để gặp Lan.", "Bấm số một không một để gặp Lan."),
        ("Bấm phím 1.", "Bấm phím 1."),
        ("Máy lẻ 205", "Máy lẻ hai không năm"),
        ("Mở cửa lúc 08:30, đóng lúc 17:00.", "Mở cửa lúc 8 giờ 30 phút, đóng lúc 17 giờ."),
        ("Nghỉ 2026-09-02.", "Nghỉ ngày 2 tháng 9 năm 2026."),
        ("Gọi 028 7123 4500", "Gọi không hai tám, bảy một hai ba, bốn năm không không"),
        ("Rồi bấm #", "Rồi bấm phím thăng"),
    ],
)
def test_vietnamese(text, spoken):
    assert normalise(text, "vi") == spoken


def test_vietnamese_keeps_its_accents_however_they_were_typed():
    decomposed = "Chào mừng"
    assert normalise(decomposed, "vi") == "Chào mừng"


@given(st.text(max_size=80), st.sampled_from(["en", "vi"]))
def test_normalising_twice_changes_nothing_more(text, language):
    once = normalise(text, language)
    assert normalise(once, language) == once


def test_names_are_spelled_without_accents():
    assert without_accents("Bình Minh, Đặng Thị Hoà, Lê Võ Ưu") == "Binh Minh, Dang Thi Hoa, Le Vo Uu"
