"""Names as they are spelled on a telephone keypad (ITU-T E.161), accents removed."""

from __future__ import annotations

import re
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
_ACCENTS = dict.fromkeys(range(0x0300, 0x0370))  # what decomposing a Latin letter leaves of its accents
_NO_LETTERS = re.compile("[^a-z]+")
_KEYS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")


def plain(name: str) -> str:
    """The name in lower case without accents: `Đặng Thị Hoà` is `dang thi hoa`."""
    return unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS)).translate(_ACCENTS)


def spellings(name: str) -> tuple[str, ...]:
    """The keys of a name begun with its first and with its last word; other scripts have no keys."""
    words = [letters for word in plain(name).split() if (letters := _NO_LETTERS.sub("", word))]
    if not words:
        return ()
    orders = ["".join(words), "".join((words[-1], *words[:-1]))]
    return tuple(order.translate(_KEYS) for order in dict.fromkeys(orders))
