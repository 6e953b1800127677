"""Text as people write it → text as a voice should read it.

Phrases arrive with their parameters in words already (tongdai.speech.phrases); this is for what companies
write themselves: phone numbers, extensions, keys, times and dates, and, for the English voice, names with
accents.
"""

from __future__ import annotations

import re
import unicodedata

from tongdai.core.language import Language
from tongdai.speech.numbers import DIGITS, digit_by_digit

_SPACE = re.compile(r"\s+")
# +84 28 7123 4500, 028 7123 4500, (028) 7123.4500, 1900 1234; not the date 01.02.2026
_PHONE = re.compile(
    r"(?<![\w+*#.,:/-])(?!\d\d([.-])\d\d\1\d{4})(?:\+\d|\(?0\d|1[89]00)[\d\s().\-]{3,18}\d(?![\w:/%])"
)
# a word after which a number is one that is dialled
_DIALLED_AFTER: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"(?i)\b(extensions?|ext\.?|press|dial|room|number|place|code|mailbox)(\s+)(\d[\d ]*\d|\d)\b"
    ),
    "vi": re.compile(
        r"(?i)\b(máy lẻ|nhánh|bấm|bấm phím|phím|gọi số|quay số|số|phòng|mã|hộp thư)(\s+)(\d[\d ]*\d|\d)\b"
    ),
}
_KEYS = re.compile(r"(?<![\w])([*#])(\d*)(?![\w])")
_TIME = re.compile(
    r"(?<![\d:])([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?(?![\d:])(?!\s*[ap]\.?m)", re.IGNORECASE
)
_ISO_DATE = re.compile(r"(?<![\d-])(\d{4})-(\d{2})-(\d{2})(?![\d-])")
_SYMBOLS: dict[Language, dict[str, str]] = {
    "en": {"&": " and ", "@": " at "},
    "vi": {"&": " và ", "@": " a còng "},
}


def normalise(text: str, language: Language) -> str:
    """`text` as the voice of `language` should read it; saying it twice changes nothing more."""
    text = unicodedata.normalize("NFC", text)
    if language == "en":
        text = without_accents(text)
    for symbol, word in _SYMBOLS[language].items():
        text = text.replace(symbol, word)
    text = _PHONE.sub(lambda m: digit_by_digit(m[0], language), text)
    text = _DIALLED_AFTER[language].sub(
        lambda m: f"{m[1]}{m[2]}{digit_by_digit(m[3], language)}" if len(m[3]) > 1 else m[0], text
    )
    text = _KEYS.sub(lambda m: _key(m[1], m[2], language), text)
    text = _TIME.sub(lambda m: _time(int(m[1]), int(m[2]), language), text)
    if language == "vi":
        text = _ISO_DATE.sub(lambda m: f"ngày {int(m[3])} tháng {int(m[2])} năm {int(m[1])}", text)
    return _SPACE.sub(" ", text).strip()


def without_accents(text: str) -> str:
    """`Nguyễn Đức` as `Nguyen Duc`: what an English voice, and a telephone keypad, can make of it."""
    decomposed = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))


def _key(key: str, digits: str, language: Language) -> str:
    words = DIGITS[language]
    if digits:
        return " ".join(words[digit] for digit in key + digits)
    return f"{words[key]} key" if language == "en" else f"phím {words[key]}"


def _time(hour: int, minute: int, language: Language) -> str:
    if language == "vi":
        return f"{hour} giờ" + (f" {minute} phút" if minute else "")
    half = "A M" if hour < 12 else "P M"
    spoken = f"{hour % 12 or 12}"
    if minute:
        spoken += f" oh {minute}" if minute < 10 else f" {minute}"
    return f"{spoken} {half}"
