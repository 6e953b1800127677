"""Feature codes of a tenant's own: what cannot be told apart is refused."""

from __future__ import annotations

import pytest

from tongdai.tenants.errors import Invalid
from tongdai.tenants.features import CODES, FOLLOWED, Codes, Feature
from tongdai.tenants.numbering import check_codes, check_extension


def test_our_own_are_good_and_every_feature_has_one() -> None:
    assert set(CODES) == set(Feature)
    for country in ("VN", "US", "GB", "DE"):
        check_codes({}, country)


@pytest.mark.parametrize(
    ("dialled", "found"),
    [
        ("*97", (Feature.MAILBOX, "")),
        ("**102", (Feature.PICKUP, "102")),
        ("**", (Feature.PICKUP, "")),
        ("*720912345678", (Feature.ALWAYS, "0912345678")),
        ("*971", None),
        ("102", None),
        ("", None),
    ],
)
def test_what_is_dialled_is_taken_apart(dialled: str, found: tuple[Feature, str] | None) -> None:
    assert Codes().find(dialled) == found


def test_a_tenants_own_stand_in_the_place_of_ours() -> None:
    codes = Codes.with_own({"pickup": "*8", "dnd_on": "", "of a later version": "*55"})
    assert codes.find("*8102") == (Feature.PICKUP, "102")
    assert codes.find("**102") is None
    assert codes.find("*78") is None
    assert codes.find("*55") is None


@pytest.mark.parametrize(
    ("own", "code"),
    [
        ({"pickup": "*97"}, "code_taken"),
        ({"pickup": "*7"}, "code_taken"),
        ({"echo_test": "*801"}, "code_taken"),
        ({"directory": "707"}, "code_taken"),
        ({"directory": "113"}, "shadows_emergency"),
        ({"park": "11"}, "shadows_emergency"),
        ({"directory": "0411"}, "bad_code"),
        ({"directory": "*"}, "bad_code"),
        ({"directory": "abc"}, "bad_code"),
        ({"directory": "*1234567"}, "bad_code"),
    ],
)
def test_what_cannot_be_told_apart_or_dialled_is_refused(own: dict[str, str], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_codes(own, "VN")
    assert refused.value.code == code
    assert refused.value.remedy


def test_switched_off_codes_are_in_nobodys_way() -> None:
    check_codes({"mailbox": "", "pickup": "*97"}, "VN")
    check_codes(dict.fromkeys((feature.value for feature in FOLLOWED), ""), "VN")


def test_an_extension_is_no_code_and_a_code_no_extension() -> None:
    for extension in ("411", "705"):
        with pytest.raises(Invalid, match=r"feature|parking"):
            check_extension(extension, "VN")
    own = Codes.with_own({"directory": "311", "park": "80", "intercom": "55"})
    check_extension("411", "VN", own)
    check_extension("705", "VN", own)
    for extension in ("311", "805", "55", "5512"):
        with pytest.raises(Invalid) as refused:
            check_extension(extension, "VN", own)
        assert refused.value.code == "reserved_extension"
    check_extension("8051", "VN", own)
