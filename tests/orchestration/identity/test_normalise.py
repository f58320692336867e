"""One spelling for what people write in many; what stands for nothing is nothing."""

from __future__ import annotations

from datetime import date

import pytest

from orchestration.identity.normalise import (
    normal_birth_date,
    normal_city,
    normal_email,
    normal_name,
    normal_phone,
    plain_placeholders,
)


@pytest.mark.parametrize(
    "written",
    [
        "+49 30 901820",
        "0049 30/901820",
        "030 901820",
        "(030) 90-18-20",
        " +4930901820 ",
        "\uff0b\uff14\uff19 30 901820",
    ],
)
def test_a_phone_is_one_however_it_is_written(written):
    assert normal_phone(written, "DE") == "+4930901820"


def test_the_region_says_what_a_number_without_country_code_means():
    assert normal_phone("138 0013 8000", "CN") == "+8613800138000"
    assert normal_phone("(212) 555-2368", "US") == "+12125552368"


@pytest.mark.parametrize(
    "written", [None, "", "000000", "0000000000", "+49 111 1111111", "1234567890", "none", "12345"]
)
def test_a_phone_that_nobody_can_dial_is_no_evidence(written):
    assert normal_phone(written, "DE") is None


def test_an_email_is_lower_case_and_keeps_its_dots():
    assert normal_email("  Anna.Meier@GMX.de ") == "anna.meier@gmx.de"
    assert normal_email("anna.meier@gmail.com") != normal_email("annameier@gmail.com")
    assert normal_email("\uff41nna@gmx.de") == "anna@gmx.de"


@pytest.mark.parametrize(
    "written", [None, "", "none@shop.de", "NoReply@shop.de", "a@b", "anna", "a b@c.de", "x@example.com", "000@qq.com"]
)
def test_an_email_that_nobody_reads_is_no_evidence(written):
    assert normal_email(written) is None


def test_a_name_has_one_case_no_accents_and_no_punctuation():
    assert normal_name("Müller,  ANNA-Lena") == "muller anna lena"
    assert normal_name("  O'Brien, José ") == "o brien jose"
    assert normal_name("Straße") == normal_name("STRASSE")
    assert normal_name("王小明") == "王小明"


@pytest.mark.parametrize("written", [None, "", "Unknown", "N/A", "匿名", "12345", "--", "Gast"])
def test_a_name_that_means_nobody_is_no_evidence(written):
    assert normal_name(written, plain_placeholders(("gast",))) is None


def test_cities_and_birth_dates():
    assert normal_city("北京市") == normal_city("北京")
    assert normal_city(" MÜNCHEN ") == "munchen"
    assert normal_birth_date(date(1980, 2, 29)) == "1980-02-29"
    assert [normal_birth_date(d) for d in (None, date(1970, 1, 1), date(1899, 5, 5))] == [None, None, None]
