from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdai.directory.spelling import plain, spellings


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Đặng Thị Hoà", "dang thi hoa"),
        ("Nguyễn Phước Ưng", "nguyen phuoc ung"),
        ("Jürgen Groß", "jurgen gross"),
        ("Søren Ærø", "soren aero"),
        ("Łukasz Żółć", "lukasz zolc"),
        ("Þórður Œuvre", "thordur oeuvre"),
        ("IŞIK Çağlar", "isik caglar"),
        ("ﬁona", "fiona"),
    ],
)
def test_accents_are_removed(name: str, expected: str):
    assert plain(name) == expected


def keys(letters: str) -> str:
    """By the keypad as it is printed."""
    printed = {
        "2": "abc",
        "3": "def",
        "4": "ghi",
        "5": "jkl",
        "6": "mno",
        "7": "pqrs",
        "8": "tuv",
        "9": "wxyz",
    }
    return "".join(next(key for key, group in printed.items() if letter in group) for letter in letters)


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("Lan Nguyen", ("lannguyen", "nguyenlan")),
        ("Đặng Văn Hải", ("dangvanhai", "haidangvan")),
        ("Anna-Marie O'Neill", ("annamarieoneill", "oneillannamarie")),
        ("Hoa", ("hoa",)),
        ("  Mai  ", ("mai",)),
    ],
)
def test_a_name_is_spelled_from_its_first_or_its_last_word(name: str, spelled: tuple[str, ...]):
    assert spellings(name) == tuple(keys(letters) for letters in spelled)


@pytest.mark.parametrize("name", ["王小明", "Нгуен", "", "007"])
def test_names_in_other_scripts_have_no_keys(name: str):
    assert spellings(name) == ()


@given(st.text())
def test_any_name_is_keys_of_a_telephone(name: str):
    assert all(set(spelling) <= set("23456789") and spelling for spelling in spellings(name))
