from __future__ import annotations

from tongdai.speech.names import pronounced


def test_a_known_name_is_marked_with_its_sound():
    assert pronounced("Lan Nguyen is busy.") == "Lan [Nguyen](/wˈɪn/) is busy."


def test_only_whole_capitalised_words_are_names():
    assert pronounced("le Lexus and Nguyens") == "le Lexus and Nguyens"


def test_text_cannot_bring_its_own_notation():
    assert pronounced("[x](/ˈɑ/)") == "(x)(/ˈɑ/)"
