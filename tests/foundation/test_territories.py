"""What a country implies for a new business."""

import zoneinfo

import pytest

from mbs.foundation import territories


class TestACountry:
    @pytest.mark.parametrize(
        ("country", "currency", "timezone"),
        [
            ("IN", "INR", "Asia/Kolkata"),
            ("DE", "EUR", "Europe/Berlin"),
            ("US", "USD", "America/New_York"),
            ("JP", "JPY", "Asia/Tokyo"),
            ("KW", "KWD", "Asia/Kuwait"),
            ("NP", "NPR", "Asia/Kathmandu"),
            ("HR", "EUR", "Europe/Zagreb"),
        ],
    )
    def test_implies_currency_and_time_zone(self, country: str, currency: str, timezone: str) -> None:
        assert (territories.currency(country), territories.timezone(country)) == (currency, timezone)

    def test_implies_all_of_them_whichever_it_is(self) -> None:
        assert len(territories.countries()) > 230
        for country in territories.countries():
            assert territories.currency(country) in territories.currencies()
            assert territories.timezone(country) in territories.timezones()
            assert territories.locale(country) == f"en-{country}"

    @pytest.mark.parametrize("code", ["XX", "ZZ", "EU", "UN", "001", "in", "AQ", ""])
    def test_is_one_where_business_is_done(self, code: str) -> None:
        assert code not in territories.countries()


class TestTimeZones:
    def test_are_known_to_python(self) -> None:
        for name in territories.timezones():
            assert zoneinfo.ZoneInfo(name).key == name

    @pytest.mark.parametrize("name", ["UTC", "Asia/Calcutta", "America/Argentina/Buenos_Aires"])
    def test_have_old_names_too(self, name: str) -> None:
        assert name in territories.timezones()

    @pytest.mark.parametrize("name", ["EST", "localtime", "posixrules", "../etc/passwd", "asia/kolkata", ""])
    def test_are_places(self, name: str) -> None:
        assert name not in territories.timezones()
