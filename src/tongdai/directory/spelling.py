"""Names as they are spelled on a telephone keypad (ITU-T E.161), accents removed."""

from __future__ import annotations

import unicodedata

# Letters that are no accented form of another (Unicode does not decompose them), as their readers spell them.
_LETTERS = str.maketrans(
    {
        "đ": "d",
        "ð": "d",
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "ħ": "h",
        "ı": "i",
        "þ": "th",
        "ŋ": "ng",
    }
)
_KEYS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")


def plain(name: str) -> str:
    """The name in lower case without accents: `Đặng Thị Hoà` is `dang thi hoa`."""
    decomposed = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def spellings(name: str) -> tuple[str, ...]:
    """The keys of a name begun with its first and with its last word; other scripts have no keys."""
    words = ["".join(letter for letter in word if "a" <= letter <= "z") for word in plain(name).split()]
    words = [word for word in words if word]
    if not words:
        return ()
    orders = ["".join(words), "".join((words[-1], *words[:-1]))]
    return tuple(order.translate(_KEYS) for order in dict.fromkeys(orders))
