"""The built-in words, their placeholders, and which language counts."""

import pytest

from mbs.templates.models.catalog import CATALOG, SOMETIMES
from mbs.templates.models.drafts import check
from mbs.templates.models.page import Look
from mbs.templates.models.placeholders import fault_of, named
from mbs.templates.models.rendering import render
from mbs.templates.models.samples import sample_values
from mbs.templates.models.words import Words, best_of, builtin, canonical_locale, fallbacks

PLACES = [(key, channel) for key, template in CATALOG.items() for channel in template.channels]
LOOK = Look("Glow")


class TestTheBuiltInWords:
    @pytest.mark.parametrize(("key", "channel"), PLACES)
    def test_are_there_in_english(self, key: str, channel: str) -> None:
        assert (key, channel, "en") in builtin()

    def test_are_of_messages_that_exist(self) -> None:
        assert {(key, channel) for key, channel, _ in builtin()} == set(PLACES)

    @pytest.mark.parametrize("slot", builtin(), ids="/".join)
    def test_could_have_been_written_by_a_business(self, slot: tuple[str, str, str]) -> None:
        check(builtin()[slot], CATALOG[slot[0]])

    @pytest.mark.parametrize("slot", builtin(), ids="/".join)
    def test_need_nothing_that_may_be_missing(self, slot: tuple[str, str, str]) -> None:
        key, _, locale = slot
        values = sample_values(CATALOG[key], business="Glow", locale=locale, currency="INR")
        certain = {name: value for name, value in values.items() if name not in SOMETIMES}

        full, short = render(builtin()[slot], values, LOOK), render(builtin()[slot], certain, LOOK)
        assert "{" not in full.text + short.text
        left_out = named(builtin()[slot].body) & SOMETIMES
        assert (full.text == short.text) == (not left_out)

    def test_are_in_hindi_for_bookings(self) -> None:
        hindi = {key for key, _, locale in builtin() if locale == "hi"}
        assert hindi == {key for key in CATALOG if key.startswith("booking.") and not key.endswith(".staff")}


class TestPlaceholders:
    @pytest.mark.parametrize(
        "text", ["{{customer}}", "{{ customer }}", "a{{customer}}{{business}}b", "{x} } {", ""]
    )
    def test_name_what_is_allowed(self, text: str) -> None:
        assert fault_of(text, ("customer", "business")) is None

    def test_that_are_unknown_are_named_with_those_that_are_not(self) -> None:
        fault = fault_of("{{customer}} {{nobody}}", ("customer", "business"))

        assert fault is not None
        assert "{{nobody}}" in fault
        assert "business, customer" in fault

    @pytest.mark.parametrize(
        "text",
        [
            "{{7*7}}",
            "{{customer.name}}",
            "{{customer",
            "customer}}",
            "{{}}",
            "{{ }}",
            "{{{customer}}}",
            "{{customer}}}",
            "{{{{customer}}}}",
            "{{\ncustomer\n}}",
            "{{customer|upper}}",
            "{{customer()}}",
            "{{cust omer}}",
            "{{ⅽustomer}}",
            "{{#each}}",
        ],
    )
    def test_of_any_other_form_are_refused(self, text: str) -> None:
        assert fault_of(text, ("customer",)) is not None


class TestLanguages:
    def test_fall_back_part_by_part_to_the_business_s_and_to_english(self) -> None:
        assert fallbacks("zh-Hant-TW", "hi-IN") == ("zh-Hant-TW", "zh-Hant", "zh", "hi-IN", "hi", "en")

    def test_are_the_business_s_where_the_recipient_s_is_not_known(self) -> None:
        assert fallbacks(None, "en-IN") == ("en-IN", "en")

    def test_that_do_not_exist_are_passed_over(self) -> None:
        assert fallbacks("xx-YY", "not a locale") == ("en",)
        assert fallbacks("en-IN-x-private", "hi") == ("en-IN", "en", "hi")

    @pytest.mark.parametrize(
        ("tag", "spelled"),
        [
            ("EN", "en"),
            ("en-in", "en-IN"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("xx", None),
            ("", None),
            ("en_IN", None),
            ("../en", None),
            ("en-", None),
        ],
    )
    def test_have_one_spelling(self, tag: str, spelled: str | None) -> None:
        assert canonical_locale(tag) == spelled

    def test_take_own_words_before_built_in_ones_but_a_nearer_language_before_both(self) -> None:
        key, channel = "booking.confirmed", "email"
        own = Words(channel, "en", "Own", subject="Own", version=3)

        def best(*languages: str) -> Words:
            return best_of({(key, channel, "en"): own}, key, channel, languages)

        assert best("en-IN", "en") is own
        assert best("hi", "en") is builtin()[key, channel, "hi"]
        assert best("fr", "en") is own
