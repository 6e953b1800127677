"""What numbers mean in a country, and which of them a tenant cannot give away as extensions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import phonenumbers
from phonenumbers import CountryCodeSource, PhoneMetadata, PhoneNumber, PhoneNumberFormat

from tongdai.tenants.errors import Invalid
from tongdai.tenants.features import FOLLOWED, Codes, Feature

_OURS = Codes()

# By country, with the source; ITU-T E.129 (national numbering plans) where none is named. What a country has
# besides, such as mountain rescue, is no less reachable: it is merely not kept free of extensions.
_EMERGENCY: dict[str, frozenset[str]] = {
    # Circular 22/2014/TT-BTTTT (numbering plan): search and rescue, police, fire, ambulance
    "VN": frozenset({"112", "113", "114", "115"}),
    # 47 U.S.C. §251(e)(3)
    "US": frozenset({"911"}),
    "CA": frozenset({"911"}),
    # Ofcom, General Condition A3
    "GB": frozenset({"112", "999"}),
    # Telecommunications (Emergency Call Service) Determination 2019; 106 is for text telephones
    "AU": frozenset({"000", "106", "112"}),
    "NZ": frozenset({"111"}),
    # Directive (EU) 2018/1972 article 109 (112), beside the national ones
    "DE": frozenset({"110", "112"}),
    "FR": frozenset({"15", "17", "18", "112", "114"}),
    "JP": frozenset({"110", "118", "119"}),
    "SG": frozenset({"995", "999"}),
}

_EXTENSION = re.compile(r"[1-9][0-9]{1,5}")
# Taking a number apart takes some 50 µs, a tenth of what a call takes to set up; the same ones come all day.
_remembered = lru_cache(maxsize=16_384)

_SEPARATORS = str.maketrans("", "", " -.()/")  # RFC 3966 §5.1.1, and what people write besides
_DIALLED = re.compile(r"\+?[0-9]{3,20}")


def is_country(country: str) -> bool:
    """Whether it is an ISO 3166-1 code of a country with telephone numbers, such as `VN`."""
    return country in phonenumbers.SUPPORTED_REGIONS


def is_emergency(country: str, number: str) -> bool:
    """Whether this number calls for help in that country: by our table, or by phonenumbers'."""
    known = _EMERGENCY.get(country)
    if known is not None:
        return number in known
    return number.isascii() and number.isdigit() and phonenumbers.is_emergency_number(number, country)


def check_extension(extension: str, country: str, codes: Codes = _OURS) -> None:
    """Raise `Invalid` when a tenant in that country, with these feature codes, may not use this extension."""
    if not _EXTENSION.fullmatch(extension):
        raise Invalid(
            "bad_extension",
            f"{extension!r} cannot be an extension.",
            "Use 2 to 6 digits that do not begin with 0, which begins outside numbers.",
        )
    if extension in codes.parking:
        raise Invalid(
            "reserved_extension",
            f"{extension} is a parking place.",
            f"Use a number outside {codes.parking[0]}–{codes.parking[-1]}.",
        )
    code = codes.find(extension)
    if code is not None and code[0] is not Feature.PARK:
        raise Invalid(
            "reserved_extension",
            f"{extension} is dialled for a feature: {code[0]}.",
            "Use another number, or give that feature another code.",
        )
    emergency = _shadowed(extension, country)
    if emergency:
        raise Invalid(
            "shadows_emergency",
            f"The extension {extension} would come in the way of the emergency number {emergency}.",
            "Use one that does not begin with an emergency number and with which none begins.",
        )


_CODE = re.compile(r"(?!0)[0-9*#]{2,6}")


def check_codes(own: Mapping[str, str], country: str) -> None:
    """Raise `Invalid` when these codes, beside those of ours that stay, cannot be told apart or dialled."""
    codes = {feature: code for feature, code in Codes.with_own(own).of.items() if code}
    for feature, code in codes.items():
        if not _CODE.fullmatch(code):
            raise Invalid(
                "bad_code",
                f"{code!r} cannot be the code of {feature}.",
                "Use 2 to 6 of the keys 0 to 9, * and #, not beginning with 0, which begins outside numbers.",
            )
        emergency = _shadowed(code, country) if code.isdigit() else ""
        if emergency:
            raise Invalid(
                "shadows_emergency",
                f"The code {code} of {feature} would come in the way of the emergency number {emergency}.",
                "Use one that does not begin with an emergency number and with which none begins.",
            )
        for other, longer in codes.items():
            if other is not feature and (longer == code or (feature in FOLLOWED and longer.startswith(code))):
                raise Invalid(
                    "code_taken",
                    f"The code {code} of {feature} is also that of {other}, or begins it ({longer}).",
                    "Give one of the two another code, or none.",
                )


def _shadowed(extension: str, country: str) -> str:
    """The emergency number that begins with the extension or with which it begins: phones that send digits as
    they are pressed would call the one when the other was meant."""
    longer = (extension + tail for tail in ("", *"0123456789", *(f"{n:02}" for n in range(100))))
    shorter = (extension[:length] for length in range(2, len(extension)))
    return next((number for number in (*longer, *shorter) if is_emergency(country, number)), "")


def check_e164(number: str) -> None:
    """Raise `Invalid` when it is not a complete number such as +842871234500."""
    parsed = _parse(number, None) if number.startswith("+") else None
    if parsed is None or not phonenumbers.is_possible_number(parsed) or _e164(parsed) != number:
        raise Invalid(
            "bad_number", f"{number!r} is no complete telephone number.", "Give it as +842871234500."
        )


@_remembered
def outside_number(dialled: str, country: str) -> str | None:
    """What somebody in that country dials for the outside, in E.164; None when it is no outside number.

    `+84…`, international prefix (00…, 011…), national prefix (0…), and the country code without a plus when
    the number is complete. Without any of them it is a number only where people dial that way (North America,
    and countries without a national prefix)."""
    number = dialled.translate(_SEPARATORS)
    if not _DIALLED.fullmatch(number):
        return None
    parsed = _parse(number, country)
    if parsed is None:
        return None
    source = parsed.country_code_source
    if source == CountryCodeSource.FROM_NUMBER_WITHOUT_PLUS_SIGN:
        return _e164(parsed) if phonenumbers.is_valid_number(parsed) else None
    if source == CountryCodeSource.FROM_DEFAULT_COUNTRY:
        return _national(number, parsed, country)
    return _e164(parsed) if phonenumbers.is_possible_number(parsed) else None


def _national(number: str, parsed: PhoneNumber, country: str) -> str | None:
    metadata = PhoneMetadata.metadata_for_region(country)
    prefix = metadata.national_prefix if metadata is not None else None
    if prefix and number.startswith(prefix):
        if phonenumbers.is_possible_number(parsed):
            return _e164(parsed)
        # 0 84 28 …: the national prefix before a number that has its country code already
        whole = _parse("+" + number[len(prefix) :], None)
        own = whole is not None and whole.country_code == parsed.country_code
        return _e164(whole) if whole is not None and own and phonenumbers.is_valid_number(whole) else None
    if (not prefix or parsed.country_code == 1) and phonenumbers.is_valid_number(parsed):
        return _e164(parsed)
    return None


@_remembered
def carrier_number(text: str, country: str) -> str | None:
    """A number as a carrier in that country may write it, in E.164: as `outside_number`, or without any
    prefix. None when it cannot be completed.
    """
    number = text.translate(_SEPARATORS)
    outside = outside_number(number, country)
    if outside is not None or not _DIALLED.fullmatch(number):
        return outside
    parsed = _parse(number, country)
    return _e164(parsed) if parsed is not None and phonenumbers.is_valid_number(parsed) else None


@_remembered
def country_of(number: str) -> str | None:
    """The country (ISO 3166-1) of an E.164 number, None for satellites and others that are of no country."""
    parsed = _parse(number, None)
    return phonenumbers.region_code_for_number(parsed) if parsed is not None else None


def national_form(number: str, country: str) -> str:
    """An E.164 number as dialled inside that country, digits only: 0 28 … at home, 00 1 … abroad."""
    parsed = _parse(number, None)
    if parsed is None:
        return number
    if country_of(number) == country:
        text = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
    else:
        text = phonenumbers.format_out_of_country_calling_number(parsed, country)
    return "".join(filter(str.isdigit, text))


def _parse(number: str, country: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(number, country, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return None


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
