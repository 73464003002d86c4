"""Which words count for a batch of messages, and at what price."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from uuid_utils.compat import uuid7

from mbs.operations.embedded_postgres import Server
from mbs.templates.models.words import LAST_RESORT, Words, builtin
from mbs.templates.repository import WordsRepository
from tests.conftest import run_as_superuser
from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.plans import explained

TEMPLATES = "/api/notification-templates"
MAIL = f"{TEMPLATES}/booking.confirmed/email/en"
WORDS = {"subject": "See you, {{customer}}", "body": "{{service}}"}
KEYS = [("booking.confirmed", "email"), ("booking.confirmed", "whatsapp"), ("invoice.issued", "email")]


def best(
    owner: Business, *locales: str | None, usual: str = "en-IN"
) -> dict[tuple[str, str, str | None], Words]:
    with owner.database.transaction(owner.scope) as transaction:
        return dict(WordsRepository(transaction).best(KEYS, locales, usual=usual))


class TestTheBestWords:
    def test_are_found_for_every_message_of_a_batch(self, owner: Business) -> None:
        made(owner, MAIL, WORDS, "PUT")
        made(owner, MAIL.replace("/en", "/fr"), {**WORDS, "subject": "Bonjour"}, "PUT")

        found = best(owner, "fr-CA", "hi", None)
        assert len(found) == len(KEYS) * 3
        assert {
            locale: (words.locale, words.version)
            for (key, channel, locale), words in found.items()
            if (key, channel) == KEYS[0]
        } == {"fr-CA": ("fr", 1), "hi": ("hi", 0), None: ("en", 1)}
        assert found["invoice.issued", "email", "fr-CA"] == builtin()["invoice.issued", "email", LAST_RESORT]

    def test_are_of_the_newest_version_and_not_of_one_taken_away(self, owner: Business) -> None:
        for subject in ("First", "Second"):
            made(owner, MAIL, {**WORDS, "subject": subject}, "PUT")
        assert best(owner, "en")["booking.confirmed", "email", "en"].subject == "Second"

        owner.delete(MAIL)
        assert best(owner, "en")["booking.confirmed", "email", "en"].version == 0

    def test_have_the_places_of_whatsapp(self, owner: Business) -> None:
        body = {"body": "{{customer}}", "contentSid": "HX" + "0" * 32, "contentVariables": {"1": "customer"}}
        made(owner, MAIL.replace("email", "whatsapp"), body, "PUT")

        words = best(owner, "en")["booking.confirmed", "whatsapp", "en"]
        assert (words.content_sid, words.content_variables) == (body["contentSid"], body["contentVariables"])

    def test_are_none_of_a_message_that_does_not_exist(self, owner: Business) -> None:
        with owner.database.transaction(owner.scope) as transaction, pytest.raises(KeyError):
            WordsRepository(transaction).best([("booking.exploded", "email")], ["en"], usual="en")

    def test_of_nothing_are_not_asked_for(self, owner: Business) -> None:
        with owner.database.transaction(owner.scope) as transaction:
            assert WordsRepository(transaction).best([], [], usual="en") == {}

    def test_cost_one_statement_that_reads_one_version_of_each(
        self, owner: Business, server: Server, database_name: str
    ) -> None:
        made(owner, MAIL, WORDS, "PUT")
        versions = f"""
            INSERT INTO message_templates
              (tenant_id, id, key, channel, locale, version, subject, body, created_by)
            SELECT '{owner.tenant_id}', gen_random_uuid(), key, 'email', locale, n, 'x', 'x', '{uuid7()}'
            FROM generate_series(2, 2000) AS n,
              (VALUES ('booking.confirmed', 'en'), ('booking.confirmed', 'fr')) AS slot (key, locale);
            ANALYZE message_templates"""
        run_as_superuser(server, versions, database_name)

        plan = explained(
            owner,
            lambda transaction: WordsRepository(transaction).best(KEYS, ["fr", "hi-IN", None], usual="en-IN"),
        )
        assert not plan.whole
        assert plan.rows <= 4


class TestTwoWhoWriteAtOnce:
    def test_write_two_versions_or_one_is_told_to_try_again(self, owner: Business) -> None:
        def put(number: int) -> int:
            return owner.call("PUT", MAIL, {**WORDS, "subject": f"Number {number}"}).status_code

        with ThreadPoolExecutor(4) as threads:
            codes = list(threads.map(put, range(12)))

        assert set(codes) <= {200, 409}
        versions = owner.get(f"{MAIL}/versions?limit=100").get_json()["data"]
        assert [one["version"] for one in versions] == list(range(codes.count(200), 0, -1))

    def test_do_not_overwrite_what_they_have_not_seen(self, owner: Business) -> None:
        def put(number: int) -> int:
            body = {**WORDS, "subject": f"Number {number}"}
            return owner.call("PUT", MAIL, body, headers={"If-Match": '"0"'}).status_code

        with ThreadPoolExecutor(4) as threads:
            codes = list(threads.map(put, range(8)))

        assert codes.count(200) == 1
        assert set(codes) <= {200, 409, 412}
