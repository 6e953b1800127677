"""Numbers in words: counts as cardinals, numbers that one dials digit by digit."""

from __future__ import annotations

import re

import phonenumbers

from tongdai.core.language import Language
from tongdai.speech.errors import SpeechError

DIGITS: dict[Language, dict[str, str]] = {
    "en": dict(zip("0123456789", "zero one two three four five six seven eight nine".split(), strict=True))
    | {"+": "plus", "*": "star", "#": "hash"},
    "vi": dict(zip("0123456789", "không một hai ba bốn năm sáu bảy tám chín".split(), strict=True))
    | {"+": "cộng", "*": "sao", "#": "thăng"},
}
_LIMIT = 10**12
_SEPARATORS = re.compile(r"[\s().\-/]+")
_DIALLED = re.compile(r"[+*#\d][\d*#\s().\-/]*")

_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
_EN_SCALES = ["", " thousand", " million", " billion"]
_VI_SCALES = ["", " nghìn", " triệu", " tỷ"]


def is_dialled(text: str) -> bool:
    """Whether `text` is something that one dials: a phone number, an extension, `*97`."""
    return _DIALLED.fullmatch(text.strip()) is not None


def digit_by_digit(number: str, language: Language) -> str:
    """`+842871234500` as "plus eight four, two eight, seven one two three, four five zero zero".

    A comma, which every voice speaks as a short rest, stands between groups: those of the number's country
    when it has a country code, those that it is written in, or threes and fours.
    """
    words = DIGITS[language]
    return ", ".join(" ".join(words[digit] for digit in group) for group in _groups(number.strip()))


def _groups(number: str) -> list[str]:
    if number.startswith("+"):
        try:
            parsed = phonenumbers.parse(number)
        except phonenumbers.NumberParseException:
            pass
        else:
            formatted = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
            # of a number that cannot be, it drops what looks like a trunk prefix: +1 1...
            if _SEPARATORS.sub("", formatted) == _SEPARATORS.sub("", number):
                number = formatted
    groups = [group for group in _SEPARATORS.split(number) if group]
    if len(groups) > 1 or len(number) <= 5:
        return groups
    # the odd digits go in front, where area codes vary most: 0287 123 4500
    front = [number[:-4]] if len(number) < 9 else [number[:-7], number[-7:-4]]
    return [*front, number[-4:]]


def cardinal(number: int, language: Language) -> str:
    """A count in words, below a million millions."""
    if not 0 <= number < _LIMIT:
        raise SpeechError(
            "number_too_large", f"{number} cannot be spoken as a count.", "Count from 0 to 10^12."
        )
    if number == 0:
        return DIGITS[language]["0"]
    groups: list[int] = []
    while number:
        number, group = divmod(number, 1000)
        groups.append(group)
    top = len(groups) - 1
    parts: list[str] = []
    for scale in range(top, -1, -1):
        group = groups[scale]
        if group == 0:
            continue
        if language == "en":
            rest = scale == 0 and scale != top and group < 100
            parts.append(("and " if rest else "") + _below_thousand_en(group) + _EN_SCALES[scale])
        else:
            parts.append(_below_thousand_vi(group, leading=scale == top) + _VI_SCALES[scale])
    return " ".join(parts)


def _below_thousand_en(number: int) -> str:
    words = DIGITS["en"]
    hundreds, rest = divmod(number, 100)
    parts = [f"{words[str(hundreds)]} hundred"] if hundreds else []
    if hundreds and rest:
        parts.append("and")
    if 10 <= rest < 20:
        parts.append(_TEENS[rest - 10])
    elif rest:
        tens, ones = divmod(rest, 10)
        spoken = [_TENS[tens]] * (tens > 0) + [words[str(ones)]] * (ones > 0)
        parts.append("-".join(spoken))
    return " ".join(parts)


def _below_thousand_vi(number: int, leading: bool) -> str:
    words = DIGITS["vi"]
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    # inside a larger number, the empty hundreds are spoken: 1.005 is "một nghìn không trăm linh năm"
    parts = [f"{words[str(hundreds)]} trăm"] if hundreds or not leading else []
    if tens == 0 and ones:
        parts.append(f"linh {words[str(ones)]}" if parts else words[str(ones)])
    elif tens:
        parts.append("mười" if tens == 1 else f"{words[str(tens)]} mươi")
        if ones == 1 and tens > 1:
            parts.append("mốt")
        elif ones == 5:
            parts.append("lăm")
        elif ones:
            parts.append(words[str(ones)])
    return " ".join(parts)
