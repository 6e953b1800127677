from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdai.speech.errors import SpeechError
from tongdai.speech.numbers import cardinal, digit_by_digit, is_dialled


@pytest.mark.parametrize(
    ("number", "english", "vietnamese"),
    [
        (0, "zero", "không"),
        (1, "one", "một"),
        (10, "ten", "mười"),
        (13, "thirteen", "mười ba"),
        (15, "fifteen", "mười lăm"),
        (20, "twenty", "hai mươi"),
        (21, "twenty-one", "hai mươi mốt"),
        (25, "twenty-five", "hai mươi lăm"),
        (99, "ninety-nine", "chín mươi chín"),
        (100, "one hundred", "một trăm"),
        (105, "one hundred and five", "một trăm linh năm"),
        (111, "one hundred and eleven", "một trăm mười một"),
        (1000, "one thousand", "một nghìn"),
        (1005, "one thousand and five", "một nghìn không trăm linh năm"),
        (1050, "one thousand and fifty", "một nghìn không trăm năm mươi"),
        (2_000_001, "two million and one", "hai triệu không trăm linh một"),
        (12_345, "twelve thousand three hundred and forty-five", "mười hai nghìn ba trăm bốn mươi lăm"),
    ],
)
def test_counts(number, english, vietnamese):
    assert cardinal(number, "en") == english
    assert cardinal(number, "vi") == vietnamese


@given(st.lists(st.integers(0, 10**12 - 1), min_size=2, max_size=2, unique=True))
def test_different_counts_sound_different(numbers):
    one, other = numbers
    assert cardinal(one, "en") != cardinal(other, "en")
    assert cardinal(one, "vi") != cardinal(other, "vi")


@pytest.mark.parametrize("number", [-1, 10**12])
def test_a_count_out_of_range_is_an_error(number):
    with pytest.raises(SpeechError, match="Count from 0"):
        cardinal(number, "en")


@pytest.mark.parametrize(
    ("number", "spoken"),
    [
        ("101", "one zero one"),
        ("*97", "star nine seven"),
        ("#", "hash"),
        ("+842871234500", "plus eight four, two eight, seven one two three, four five zero zero"),
        ("028 7123 4500", "zero two eight, seven one two three, four five zero zero"),
        ("0287123450", "zero two eight, seven one two, three four five zero"),
        ("123456", "one two, three four five six"),
        ("+999", "plus nine nine nine"),
        ("+110000000000", "plus one one zero zero zero, zero zero zero, zero zero zero zero"),
        ("(028) 7123-4500", "zero two eight, seven one two three, four five zero zero"),
    ],
)
def test_dialled_numbers_are_spoken_digit_by_digit_in_groups(number, spoken):
    assert digit_by_digit(number, "en") == spoken


def test_dialled_numbers_in_vietnamese():
    assert digit_by_digit("105", "vi") == "một không năm"
    assert digit_by_digit("*43", "vi") == "sao bốn ba"


@given(st.from_regex(r"[+]?[0-9]{1,18}", fullmatch=True))
def test_no_digit_is_lost(number):
    words = "zero one two three four five six seven eight nine".split()
    spoken = digit_by_digit(number, "en").replace(",", "").split()
    assert "".join(str(words.index(word)) for word in spoken if word != "plus") == number.lstrip("+")


@pytest.mark.parametrize("text", ["101", "*97", "#", "+84 28 7123 4500"])
def test_what_can_be_dialled(text):
    assert is_dialled(text)


@pytest.mark.parametrize("text", ["Lan", "3M", "", "Room 5", "24h"])
def test_what_cannot_be_dialled(text):
    assert not is_dialled(text)
