"""How numbers are written, in whatever language."""

from __future__ import annotations


def number(text: str) -> str:
    """An E.164 number in groups (`+84 28 7123 4500`); anything else as it is."""
    if not text.startswith("+"):
        return text
    import phonenumbers

    try:
        parsed = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return text
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
