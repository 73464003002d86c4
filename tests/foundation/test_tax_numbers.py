"""Tax registration numbers: each country's form, and the sentence that names the broken rule."""

import pytest

from mbs.foundation.errors import Invalid
from mbs.foundation.tax_numbers import normalized

TAKEN = [
    ("IN", "27AAPFU0939F1ZV", "27AAPFU0939F1ZV"),
    ("IN", " 27aapfu 0939f-1zv ", "27AAPFU0939F1ZV"),
    ("IN", "29AAGCB7383J1Z4", "29AAGCB7383J1Z4"),
    ("IN", "09AAACH7409R1ZZ", "09AAACH7409R1ZZ"),
    ("GB", "GB 980 7806 84", "GB980780684"),
    ("GB", "GB220430231", "GB220430231"),
    ("GB", "gb980780684001", "GB980780684001"),
    ("AE", "100-1234-5670-0003", "100123456700003"),
    ("MY", "w10 1808-31000000", "W10-1808-31000000"),
    ("SG", "M90367530 Y", "M90367530Y"),
    ("SG", "M2-1234567-8", "M212345678"),
    ("SG", "201912345K", "201912345K"),
    ("SG", "T09LL0001B", "T09LL0001B"),
    ("SG", "53012345D", "53012345D"),
    ("FR", "FR 40 303265045", "FR 40 303265045"),
]

REFUSED = [
    ("IN", "27AAPFU0939F1Z", "15 characters"),
    ("IN", "27AAPFU0939F1ZVV", "15 characters"),
    ("IN", "27AAPFU0939F0ZV", "ten characters of a PAN"),
    ("IN", "2７AAPFU0939F1ZV", "ten characters of a PAN"),
    ("IN", "47AAPFU0939F1ZV", "47 is none"),
    ("IN", "00AAPFU0939F1ZV", "00 is none"),
    ("IN", "27AAPFU0939F1ZW", "mistyped"),
    ("IN", "27AAPFU0993F1ZV", "mistyped"),
    ("GB", "980780684", "GB and 9 or 12 digits"),
    ("GB", "GB9807806840", "GB and 9 or 12 digits"),
    ("GB", "GB980780685", "mistyped"),
    ("GB", "GB123456789", "mistyped"),
    ("AE", "10012345670000", "15 digits"),
    ("AE", "10012345670000X", "15 digits"),
    ("MY", "W10-1808-3100000", "a letter and 14 digits"),
    ("MY", "110-1808-31000000", "a letter and 14 digits"),
    ("SG", "M9036753Y", "9 or 10 characters"),
    ("SG", "27AAPFU0939F1ZV", "9 or 10 characters"),
    ("AE", "٣٠٠١٢٣٤٥٦٧٠٠٠٠٣", "15 digits"),
]


class TestNormalized:
    @pytest.mark.parametrize(("country", "number", "kept"), TAKEN)
    def test_keeps_what_has_the_country_s_form(self, country: str, number: str, kept: str) -> None:
        assert normalized(number, country=country, field="taxId") == kept

    @pytest.mark.parametrize(("country", "number", "rule"), REFUSED)
    def test_says_which_rule_is_broken(self, country: str, number: str, rule: str) -> None:
        with pytest.raises(Invalid) as refusal:
            normalized(number, country=country, field="taxId")
        (fault,) = refusal.value.errors
        assert (fault.field, fault.code) == ("taxId", "invalid")
        assert rule in fault.message

    @pytest.mark.parametrize("place", range(15))
    def test_notices_every_mistyped_character_of_a_gstin(self, place: int) -> None:
        number = "27AAPFU0939F1ZV"
        for other in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            if other != number[place]:
                with pytest.raises(Invalid):
                    normalized(number[:place] + other + number[place + 1 :], country="IN", field="taxId")
