"""The words of messages over HTTP."""

from typing import Any

import pytest
from flask import Flask

from mbs.templates.models.catalog import CATALOG
from mbs.templates.service import MOST_LANGUAGES
from tests.factories.answers import listed, made
from tests.factories.callers import Business, Caller, new_business
from tests.factories.members import new_member

TEMPLATES = "/api/notification-templates"
MAIL = f"{TEMPLATES}/booking.confirmed/email/en"
WHATSAPP = f"{TEMPLATES}/booking.confirmed/whatsapp/en"
WORDS = {"subject": "See you, {{customer}}", "body": "{{service}}\n\n{{business}}"}
APPROVED = {
    "body": "Hello {{customer}}, {{service}}",
    "contentSid": "HX" + "0a" * 16,
    "contentVariables": {"1": "customer", "2": "service"},
}


def read(owner: Business, path: str = MAIL) -> dict[str, Any]:
    response = owner.get(path)
    assert response.status_code == 200, response.get_json()
    body: dict[str, Any] = response.get_json()
    return body


def faults(response: Any) -> dict[str, str]:
    assert response.status_code == 400, response.get_json()
    return {fault["field"]: fault["message"] for fault in response.get_json()["errors"]}


def preview(owner: Business, path: str = MAIL, body: Any = None) -> dict[str, Any]:
    return made(owner, f"{path}/preview", body, "POST")


class TestTheList:
    def test_has_every_message_with_what_it_may_name(self, owner: Business) -> None:
        rows = {row["key"]: row for row in listed(owner, TEMPLATES)}

        assert rows.keys() == CATALOG.keys()
        cancelled = rows["booking.cancelled"]
        assert cancelled["audience"] == "customer"
        assert cancelled["channels"] == ["email", "whatsapp"]
        assert {"reason", "customer", "startLocal"} <= set(cancelled["variables"])
        assert cancelled["optionalVariables"] == ["staff", "manageUrl", "reason"]
        assert rows["booking.cancelled.staff"]["channels"] == ["email"]

    def test_says_whose_words_count(self, owner: Business) -> None:
        made(owner, MAIL, WORDS, "PUT")
        made(owner, MAIL.replace("/en", "/fr"), WORDS, "PUT")
        owner.delete(MAIL.replace("/en", "/fr"))

        (row,) = (row for row in listed(owner, TEMPLATES) if row["key"] == "booking.confirmed")
        assert [(one["channel"], one["locale"], one["source"], one["version"]) for one in row["words"]] == [
            ("email", "en", "own", 1),
            ("email", "hi", "builtin", 0),
            ("whatsapp", "en", "builtin", 0),
            ("whatsapp", "hi", "builtin", 0),
        ]


class TestWords:
    def test_are_built_in_until_the_business_has_its_own(self, owner: Business) -> None:
        before = read(owner)
        assert (before["source"], before["version"]) == ("builtin", 0)

        put = owner.call("PUT", MAIL, WORDS)
        assert (put.status_code, put.headers["ETag"]) == (200, '"1"')
        after = read(owner)
        assert after == put.get_json()
        assert (after["source"], after["version"], after["subject"]) == ("own", 1, WORDS["subject"])

    def test_become_a_new_version_with_each_change(self, owner: Business) -> None:
        for number in (1, 2, 3):
            body = {**WORDS, "subject": f"Number {number}"}
            assert made(owner, MAIL, body, "PUT")["version"] == number

        versions = listed(owner, f"{MAIL}/versions")
        assert [(one["version"], one["subject"]) for one in versions] == [
            (3, "Number 3"),
            (2, "Number 2"),
            (1, "Number 1"),
        ]
        first = owner.get(f"{MAIL}/versions?limit=2&sortOrder=asc").get_json()
        again = owner.get(
            f"{MAIL}/versions?limit=2&sortOrder=asc&cursor={first['pagination']['nextCursor']}"
        ).get_json()
        assert [one["version"] for one in first["data"] + again["data"]] == [1, 2, 3]

    def test_change_only_for_whoever_saw_the_newest(self, owner: Business) -> None:
        def put(tag: str) -> int:
            return owner.call("PUT", MAIL, WORDS, headers={"If-Match": tag}).status_code

        assert [put('"1"'), put('"0"'), put('"0"'), put('"1"'), put('"1"'), put("*")] == [
            *(412, 200, 412, 200, 412, 200)
        ]
        assert owner.call("DELETE", MAIL, headers={"If-Match": '"2"'}).status_code == 412
        assert owner.call("DELETE", MAIL, headers={"If-Match": '"3"'}).status_code == 204

    def test_that_are_taken_away_leave_the_built_in_ones(self, owner: Business) -> None:
        before = read(owner)
        made(owner, MAIL, WORDS, "PUT")

        assert owner.delete(MAIL).status_code == 204
        assert read(owner) == {**before, "version": 2}
        assert owner.delete(MAIL).status_code == 404
        assert [one["body"] for one in listed(owner, f"{MAIL}/versions")] == [None, WORDS["body"]]
        assert made(owner, MAIL, WORDS, "PUT")["version"] == 3

    def test_have_a_tag_only_while_they_are_own(self, owner: Business) -> None:
        """Others change without a version of theirs, and a browser must not keep them."""
        assert "ETag" not in owner.get(MAIL).headers
        made(owner, MAIL, WORDS, "PUT")
        assert owner.get(MAIL, headers={"If-None-Match": '"1"'}).status_code == 304

        indian = MAIL.replace("/en", "/en-IN")
        response = owner.get(indian, headers={"If-None-Match": '"0"'})
        assert response.status_code == 200
        assert "ETag" not in response.headers

    def test_fall_back_to_those_of_the_language_before_those_of_the_business(self, owner: Business) -> None:
        def counting(locale: str) -> tuple[str, str]:
            words = read(owner, MAIL.replace("/en", f"/{locale}"))
            assert words["locale"] == locale
            return words["wordsLocale"], words["source"]

        # The business's own language is en-IN.
        assert [counting("hi-IN"), counting("fr")] == [("hi", "builtin"), ("en", "builtin")]
        made(owner, MAIL.replace("/en", "/en-in"), WORDS, "PUT")
        assert [counting("hi-IN"), counting("fr"), counting("en")] == [
            *(("hi", "builtin"), ("en-IN", "own"), ("en", "builtin"))
        ]
        made(owner, MAIL.replace("/en", "/hi-IN"), WORDS, "PUT")
        assert [counting("hi-IN"), counting("hi")] == [("hi-IN", "own"), ("hi", "builtin")]

    def test_are_told_of_in_the_trail(self, owner: Business) -> None:
        made(owner, MAIL, WORDS, "PUT")
        owner.delete(MAIL)
        made(owner, WHATSAPP, APPROVED, "PUT")

        events = [row for row in listed(owner, "/api/events") if row["objectType"] == "template"]
        assert [
            (row["type"], row["data"]["object"]["channel"], row["data"]["object"]["version"])
            for row in events
        ] == [
            ("template.updated", "email", 1),
            ("template.removed", "email", 2),
            ("template.updated", "whatsapp", 1),
        ]
        assert events[0]["objectId"] == events[1]["objectId"] != events[2]["objectId"]

    def test_of_another_business_are_its_own(self, app: Flask, owner: Business) -> None:
        made(owner, MAIL, WORDS, "PUT")
        other = new_business(Caller(app))

        assert read(other)["source"] == "builtin"
        assert listed(other, f"{MAIL}/versions") == []
        assert preview(other)["source"] == "builtin"

    def test_are_in_a_bounded_number_of_languages(self, owner: Business) -> None:
        languages = [f"en-{100 + number}" for number in range(MOST_LANGUAGES + 1)]
        codes = [owner.call("PUT", MAIL.replace("/en", f"/{tag}"), WORDS).status_code for tag in languages]

        assert codes == [200] * MOST_LANGUAGES + [403]
        assert owner.call("PUT", MAIL.replace("/en", f"/{languages[0]}"), WORDS).status_code == 200


class TestAPlace:
    @pytest.mark.parametrize(
        "place",
        [
            "booking.exploded/email/en",
            "booking.confirmed/sms/en",
            "booking.confirmed.staff/whatsapp/en",
            "booking.confirmed/email/xx",
            "booking.confirmed/email/en_IN",
            "booking.confirmed/email/en-IN-x-own",
            "Booking.confirmed/email/en",
        ],
    )
    def test_that_does_not_exist_is_not_found(self, owner: Business, place: str) -> None:
        path = f"{TEMPLATES}/{place}"

        assert owner.get(path).status_code == 404
        assert owner.call("PUT", path, WORDS).status_code == 404
        assert owner.delete(path).status_code == 404
        assert owner.get(f"{path}/versions").status_code == 404
        assert owner.post(f"{path}/preview").status_code == 404


class TestFaultyWords:
    def test_name_the_unknown_variable_and_those_that_are_known(self, owner: Business) -> None:
        response = owner.call("PUT", MAIL, {"subject": "{{number}}", "body": "{{customer}} {{ nobody }}"})

        told = faults(response)
        assert told.keys() == {"subject", "body"}
        assert "{{number}}" in told["subject"]
        assert "{{nobody}}" in told["body"]
        assert all(name in told["body"] for name in CATALOG["booking.confirmed"].variables)
        assert {fault["code"] for fault in response.get_json()["errors"]} == {"unknown_placeholder"}

    @pytest.mark.parametrize(
        "text", ["{{7*7}}", "{{customer", "}}", "{{{customer}}}", "{{customer.__class__}}"]
    )
    @pytest.mark.parametrize("field", ["subject", "body"])
    def test_are_refused_for_stray_braces(self, owner: Business, field: str, text: str) -> None:
        assert faults(owner.call("PUT", MAIL, {**WORDS, field: text})).keys() == {field}
        assert faults(owner.post(f"{MAIL}/preview", {**WORDS, field: text})).keys() == {field}

    @pytest.mark.parametrize(
        "subject",
        [
            "A\r\nBcc: x@example.com",
            "A\nB",
            "A\rB",
            "A\x00B",
            "A\u2028B",
            "A\tB",
            "",
            "  ",
            None,
            5,
            "x" * 201,
        ],
    )
    def test_bring_nothing_into_a_header(self, owner: Business, subject: Any) -> None:
        assert faults(owner.call("PUT", MAIL, {**WORDS, "subject": subject})).keys() == {"subject"}
        assert read(owner)["source"] == "builtin"

    def test_name_nothing_in_a_subject_that_may_be_missing(self, owner: Business) -> None:
        told = faults(owner.call("PUT", MAIL, {**WORDS, "subject": "With {{staff}}"}))
        assert "staff" in told["subject"]

    @pytest.mark.parametrize(
        ("path", "change", "field"),
        [
            (MAIL, {"contentSid": APPROVED["contentSid"]}, "contentSid"),
            (MAIL, {"contentVariables": {"1": "customer"}}, "contentVariables"),
            (MAIL, {"body": None}, "body"),
            (MAIL, {"body": "A\x07B"}, "body"),
            (MAIL, {"body": "x" * 10_001}, "body"),
            (MAIL, {"html": "<b>"}, "html"),
            (WHATSAPP, {"subject": "Hello"}, "subject"),
            (WHATSAPP, {"contentSid": None}, "contentSid"),
            (WHATSAPP, {"contentSid": "HX123"}, "contentSid"),
            (WHATSAPP, {"contentSid": "HA" + "0" * 32}, "contentSid"),
            (WHATSAPP, {"contentVariables": {"1": "nobody"}}, "contentVariables.1"),
            (WHATSAPP, {"contentVariables": {"1": "number"}}, "contentVariables.1"),
            (WHATSAPP, {"contentVariables": {"2": "customer"}}, "contentVariables"),
            (WHATSAPP, {"contentVariables": {"name": "customer"}}, "contentVariables.name"),
            (WHATSAPP, {"contentVariables": {"1": "{{customer}}"}}, "contentVariables.1"),
            (WHATSAPP, {"contentVariables": {"1": 5}}, "contentVariables.1"),
            (WHATSAPP, {"body": "x" * 1025}, "body"),
        ],
    )
    def test_are_refused_for_what_a_channel_has_not(
        self, owner: Business, path: str, change: dict[str, Any], field: str
    ) -> None:
        sound = WORDS if path == MAIL else APPROVED
        assert faults(owner.call("PUT", path, {**sound, **change})).keys() == {field}
        assert read(owner, path)["version"] == 0


class TestAPreview:
    def test_shows_what_would_be_sent(self, owner: Business) -> None:
        shown = preview(owner)

        assert (shown["source"], shown["wordsLocale"]) == ("builtin", "en")
        assert shown["values"]["customer"] in shown["text"]
        assert shown["values"]["manageUrl"] in shown["html"]
        assert "{{" not in shown["subject"] + shown["text"]

    def test_can_be_made_of_every_message(self, owner: Business) -> None:
        places = [(key, channel) for key, message in CATALOG.items() for channel in message.channels]
        for key, channel in places:
            shown = preview(owner, f"{TEMPLATES}/{key}/{channel}/hi-IN")
            assert shown["text"]
            assert (shown["html"] is None) == (channel == "whatsapp")

    def test_is_of_the_words_that_count_or_of_a_draft(self, owner: Business) -> None:
        made(owner, MAIL, WORDS, "PUT")
        own = preview(owner)
        draft = preview(owner, body={"subject": "Draft", "body": "{{service}} <b>"})

        assert (own["source"], own["subject"]) == ("own", "See you, Asha Rao")
        assert (draft["source"], draft["text"]) == ("draft", "Haircut <b>")
        assert "<bdi>Haircut</bdi> &lt;b&gt;" in draft["html"]
        assert read(owner)["version"] == 1

    def test_is_in_the_name_and_color_of_the_business(self, owner: Business) -> None:
        made(owner, "/api/tenant/settings", {"invoicing": {"brandColor": "#ABCDEF"}}, "PATCH")
        made(owner, "/api/tenant", {"name": "<Glow> & {{customer}}"}, "PATCH")

        shown = preview(owner)
        assert "background:#ABCDEF" in shown["html"]
        assert "&lt;Glow&gt; &amp; {{customer}}" in shown["html"]
        assert "<Glow> & {{customer}}" in shown["text"]

    def test_has_the_places_of_whatsapp_with_their_values(self, owner: Business) -> None:
        made(owner, WHATSAPP, APPROVED, "PUT")
        shown = preview(owner, WHATSAPP)

        assert shown["contentSid"] == APPROVED["contentSid"]
        assert shown["contentVariables"] == {"1": "Asha Rao", "2": "Haircut"}
        assert shown["text"] == "Hello Asha Rao, Haircut"

    def test_needs_a_body_with_a_subject(self, owner: Business) -> None:
        assert faults(owner.post(f"{MAIL}/preview", {"subject": "Alone"})).keys() == {"body"}

    def test_needs_only_a_permission_to_read(self, owner: Business) -> None:
        staff = new_member(owner, "member", "staff")
        assert staff.post(f"{MAIL}/preview").status_code == 403
        assert staff.get(TEMPLATES).status_code == 403
