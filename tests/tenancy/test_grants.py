"""What the tenant role may do with its own rows, and no more: secrets, the queue of mails, memberships."""

import pytest
from psycopg2.errors import InsufficientPrivilege

from tests.tenancy.conftest import Pair
from tests.tenancy.raw_transactions import tenant_transaction


class TestMails:
    """A business puts mails into the queue, as an invitation does, and that is all."""

    QUEUE = (
        "INSERT INTO account_mails (id, tenant_id, template, sealed) VALUES (gen_random_uuid(), %s, 'x', 'x')"
    )

    def test_are_queued_for_ones_own_business(self, pair: Pair, database_url: str) -> None:
        with tenant_transaction(database_url, pair.ours.tenant_id) as cursor:
            cursor.execute(self.QUEUE, (str(pair.ours.tenant_id),))
            assert cursor.rowcount == 1

    def test_are_queued_for_no_other_and_for_nobody(self, pair: Pair, database_url: str) -> None:
        for acting, named in (
            (pair.ours.tenant_id, str(pair.theirs.tenant_id)),
            (pair.ours.tenant_id, None),
            ("", str(pair.ours.tenant_id)),
            ("", None),
        ):
            with tenant_transaction(database_url, acting) as cursor, pytest.raises(InsufficientPrivilege):
                cursor.execute(self.QUEUE, (named,))

    @pytest.mark.parametrize(
        "statement",
        [
            f"{QUEUE} RETURNING id",
            f"{QUEUE} ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed",
            "INSERT INTO account_mails (tenant_id, id, attempts) VALUES (%s, gen_random_uuid(), 9)",
            "SELECT count(*) FROM account_mails WHERE tenant_id = %s",
            "UPDATE account_mails SET sealed = 'y' WHERE tenant_id = %s",
            "DELETE FROM account_mails WHERE tenant_id = %s",
        ],
    )
    def test_are_neither_seen_nor_touched(self, pair: Pair, database_url: str, statement: str) -> None:
        own = pair.ours.tenant_id
        with tenant_transaction(database_url, own) as cursor, pytest.raises(InsufficientPrivilege):
            cursor.execute(statement, (str(own),))


class TestSecrets:
    """What a digest was made of is nobody's to read, and no digest is the tenant's."""

    @pytest.mark.parametrize("table", ["api_keys", "invitations"])
    @pytest.mark.parametrize("columns", ["digest", "*"])
    def test_are_not_read_even_of_ones_own_rows(
        self, pair: Pair, database_url: str, table: str, columns: str
    ) -> None:
        with tenant_transaction(database_url, pair.ours.tenant_id) as cursor:
            cursor.execute(f"SELECT id FROM {table}")
            assert cursor.rowcount == 1
            with pytest.raises(InsufficientPrivilege):
                cursor.execute(f"SELECT {columns} FROM {table}")

    @pytest.mark.parametrize("column", ["digest", "scopes", "prefix", "created_by", "expires_at"])
    def test_of_a_key_and_what_it_may_do_never_change(
        self, pair: Pair, database_url: str, column: str
    ) -> None:
        own = pair.ours.tenant_id
        with tenant_transaction(database_url, own) as cursor, pytest.raises(InsufficientPrivilege):
            cursor.execute(f"UPDATE api_keys SET {column} = NULL")


class TestMemberships:
    def test_are_made_by_whoever_joins(self, pair: Pair, database_url: str) -> None:
        statement = (
            "INSERT INTO memberships (id, user_id, role) VALUES (gen_random_uuid(), %s, 'owner')"
            " ON CONFLICT DO NOTHING"
        )
        ours, theirs = pair.ours, pair.theirs
        for actor in (ours.user_id, ""):
            with (
                tenant_transaction(database_url, ours.tenant_id, actor=actor) as cursor,
                pytest.raises(InsufficientPrivilege),
            ):
                cursor.execute(statement, (str(theirs.user_id),))
        with tenant_transaction(database_url, ours.tenant_id, actor=theirs.user_id) as cursor:
            cursor.execute(statement, (str(theirs.user_id),))
            assert cursor.rowcount == 1
