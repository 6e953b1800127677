"""How an English voice is to pronounce Vietnamese names, in hibari's inline notation `[word](/phonemes/)`."""

from __future__ import annotations

import re

# Names that the voice's spelling rules get wrong. Left out: those that are English words too (An, Long, Son,
# Dung).
_PHONEMES = {
    "Nguyen": "wˈɪn",
    "Huynh": "hwˈɪn",
    "Pham": "fˈɑm",
    "Phan": "fˈɑn",
    "Phat": "fˈɑt",
    "Tran": "ʧˈæn",
    "Trang": "ʧˈɑŋ",
    "Le": "lˈA",
    "Dang": "dˈɑŋ",
    "Quang": "kwˈɑŋ",
    "Hoa": "hwˈɑ",
    "Hoang": "hwˈɑŋ",
    "Thanh": "tˈæn",
    "Thao": "tˈW",
    "Thuy": "twˈi",
    "Anh": "ˈæn",
    "Linh": "lˈɪn",
    "Duc": "dˈʊk",
    "Bui": "bˈui",
    "Duong": "zˈuɔŋ",
    "Vuong": "vˈuɔŋ",
    "Phuong": "fˈuɔŋ",
    "Huong": "hˈuɔŋ",
    "Tuan": "twˈɑn",
    "Xuan": "swˈɑn",
    "Khanh": "kˈɑn",
    "Nhung": "njˈʊŋ",
    "Ngoc": "nˈɑk",
    "Nga": "nˈɑ",
    "Giang": "zˈɑŋ",
}  # fmt: skip
_NAME = re.compile(rf"\b({'|'.join(_PHONEMES)})\b")


def pronounced(text: str) -> str:
    """`text` with the names it knows marked with their sound. Square brackets in it lose their meaning."""
    plain = text.replace("[", "(").replace("]", ")")
    return _NAME.sub(lambda m: f"[{m[1]}](/{_PHONEMES[m[1]]}/)", plain)
