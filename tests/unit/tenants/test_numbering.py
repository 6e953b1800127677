from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdai.tenants import numbering
from tongdai.tenants.errors import Invalid

HANOI = "+842438123456"


@pytest.mark.parametrize(
    ("dialled", "country", "expected"),
    [
        ("02871234500", "VN", "+842871234500"),
        ("028 7123-4500", "VN", "+842871234500"),
        ("+842871234500", "VN", "+842871234500"),
        ("00842871234500", "VN", "+842871234500"),
        ("842871234500", "VN", "+842871234500"),
        ("0842871234500", "VN", "+842871234500"),
        ("0841234567", "VN", "+84841234567"),
        ("+14155550100", "VN", "+14155550100"),
        ("0014155550100", "VN", "+14155550100"),
        ("4155550132", "US", "+14155550132"),
        ("14155550132", "US", "+14155550132"),
        ("01184 28 7123 4500", "US", "+842871234500"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("2871234500", "VN", None),
        ("107", "VN", None),
        ("113", "VN", None),
        ("+84", "VN", None),
        ("+999123456789", "VN", None),
        ("*97", "VN", None),
        ("lan", "VN", None),
        ("", "VN", None),
        ("+842871234500842871234500", "VN", None),
    ],
)
def test_what_is_dialled_for_the_outside_becomes_e164(dialled: str, country: str, expected: str | None):
    assert numbering.outside_number(dialled, country) == expected


@given(st.text(max_size=30), st.sampled_from(["VN", "US", "GB", "IT"]))
def test_whatever_is_dialled_gives_a_number_or_none(dialled: str, country: str):
    number = numbering.outside_number(dialled, country)
    assert number is None or (number.startswith("+") and number[1:].isdigit())


@pytest.mark.parametrize("text", ["2871234500", "02871234500", "842871234500", "+84 28 7123 4500"])
def test_carriers_write_the_same_number_in_many_ways(text: str):
    assert numbering.carrier_number(text, "VN") == "+842871234500"


@pytest.mark.parametrize("text", ["anonymous", "101", "", "sip"])
def test_what_a_carrier_writes_may_be_no_number(text: str):
    assert numbering.carrier_number(text, "VN") is None


@pytest.mark.parametrize(
    ("number", "written"), [("+842871234500", "02871234500"), ("+14155550132", "0014155550132")]
)
def test_national_form_is_what_one_dials_there(number: str, written: str):
    assert numbering.national_form(number, "VN") == written
    assert numbering.outside_number(written, "VN") == number


def test_a_number_has_a_country_unless_it_is_of_none():
    assert numbering.country_of(HANOI) == "VN"
    assert numbering.country_of("+16045550123") == "CA"
    assert numbering.country_of("+870773111632") == "001"
    assert numbering.country_of("nonsense") is None


@pytest.mark.parametrize("number", ["112", "113", "114", "115"])
def test_vietnams_emergency_numbers(number: str):
    assert numbering.is_emergency("VN", number)


@pytest.mark.parametrize(("country", "number"), [("US", "911"), ("GB", "999"), ("AU", "000"), ("TH", "191")])
def test_each_country_has_its_own(country: str, number: str):
    assert numbering.is_emergency(country, number)
    assert not numbering.is_emergency("VN", number)


@pytest.mark.parametrize("extension", ["10", "101", "100", "110", "111", "116", "9000", "10000", "999999"])
def test_extensions_that_may_be(extension: str):
    numbering.check_extension(extension, "VN")


@pytest.mark.parametrize(
    ("extension", "country", "code"),
    [
        ("112", "VN", "shadows_emergency"),
        ("115", "VN", "shadows_emergency"),
        ("11", "VN", "shadows_emergency"),
        ("1122", "VN", "shadows_emergency"),
        ("113456", "VN", "shadows_emergency"),
        ("911", "US", "shadows_emergency"),
        ("91", "US", "shadows_emergency"),
        ("9110", "US", "shadows_emergency"),
        ("15", "FR", "shadows_emergency"),
        ("1911", "TH", "shadows_emergency"),
        ("19", "TH", "shadows_emergency"),
        ("411", "VN", "reserved_extension"),
        ("700", "VN", "reserved_extension"),
        ("709", "VN", "reserved_extension"),
        ("1", "VN", "bad_extension"),
        ("0101", "VN", "bad_extension"),
        ("1234567", "VN", "bad_extension"),
        ("10a", "VN", "bad_extension"),
        ("*97", "VN", "bad_extension"),
        ("١٠١", "VN", "bad_extension"),
        ("101\n", "VN", "bad_extension"),
        ("", "VN", "bad_extension"),
    ],
)
def test_extensions_that_may_not_be(extension: str, country: str, code: str):
    with pytest.raises(Invalid) as refused:
        numbering.check_extension(extension, country)
    assert refused.value.code == code
    assert refused.value.remedy


@given(st.from_regex(r"[1-9][0-9]{1,5}", fullmatch=True), st.sampled_from(["VN", "US", "AU", "FR"]))
def test_no_extension_that_may_be_begins_with_an_emergency_number(extension: str, country: str):
    try:
        numbering.check_extension(extension, country)
    except Invalid:
        return
    assert not any(
        numbering.is_emergency(country, extension[:length]) for length in range(1, len(extension) + 1)
    )


@pytest.mark.parametrize("number", ["+842871234500", "+14155550100"])
def test_complete_numbers(number: str):
    numbering.check_e164(number)


@pytest.mark.parametrize(
    "number", ["842871234500", "02871234500", "+84 28 7123 4500", "+84287", "+84113", "", "+", "lan"]
)
def test_incomplete_numbers(number: str):
    with pytest.raises(Invalid):
        numbering.check_e164(number)
