"""What only one place may do: read the environment, end a transaction, know the request, write bare SQL."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import (
    DEPLOYED,
    ROOMS,
    Rule,
    Source,
    breaches,
    docstrings,
    sources,
    within,
)

READS_ENVIRONMENT = {
    "mbs/app.py": "hands it to Config.load at start-up",
    "deploy/gunicorn.conf.py": "hands it to Config.load, and gives all workers the secrets it generates",
    "mbs/operations/": "hands it on: to Config.load and to the processes it starts",
}

ENDS_TRANSACTIONS = {
    "mbs/foundation/db.py": "the one door: commits when a service's block ends",
    "mbs/foundation/connections.py": "the dialect that sends BEGIN, COMMIT and ROLLBACK",
    "mbs/foundation/pooled.py": "takes psycopg2's own BEGIN away from each new connection",
    "mbs/operations/migrate.py": "each migration is a transaction",
    "mbs/operations/migration_lock.py": "holds a lock for the length of a session",
    "mbs/operations/migration_operations.py": "an index built CONCURRENTLY cannot stand in a transaction",
    "mbs/operations/db_check.py": "reads the catalogue only",
    "mbs/operations/embedded_postgres.py": "creates databases, which no transaction can",
    "mbs/operations/prepublish_boot.py": "creates a database, which no transaction can",
}

BARE_STATEMENTS = {
    "mbs/tenants/repository.py: TenantRepository": "a tenant's row is its own tenant: id, no tenant_id",
    "mbs/tenants/repository.py: MembershipRepository": "`open_to` reads across tenants; identity role only",
    "mbs/auth/repository.py: UserRepository": "people belong to no single tenant; identity role only",
    "mbs/auth/repository.py: SessionRepository": "read before a tenant is known; identity role only",
    "mbs/auth/repository.py: SWEEP": "ended sessions of all tenants; identity role only",
    "mbs/events/repository.py: OPEN_CHAIN": "the tenant is the column's default",
    "mbs/events/models.py: EventHead": "the condition of an index",
    "mbs/outbox/models.py: EventFailure": "the condition of an index",
    "mbs/outbox/repository.py: TAKE_TURN": "whose events wait, in any business; identity role only",
    "mbs/outbox/repository.py: COUNT_WAITING": "how many events wait in all; identity role only",
    "mbs/outbox/repository.py: OF_ACTIVE_BUSINESS": "a condition of FailureQueue",
    "mbs/outbox/repository.py: FailureQueue": "what failed in any business; identity role only",
    "mbs/outbox/repository.py: FailureRepository": "an insert: the tenant is the column's default",
    "mbs/notifications/models/tables.py: Notification": "the conditions of indexes",
    "mbs/notifications/repository/planning.py": "an insert, and updates that name the tenant beside it",
    "mbs/notifications/repository/queue.py: NotificationQueue": "whose turn it is; identity role only",
    "mbs/notifications/repository/queue.py: QueueRepository": "the tenant is the column's default",
    "mbs/notifications/repository/receipts.py: MessageFinder": "reported messages; identity role only",
    "mbs/webhooks/models/tables.py: WebhookDelivery": "the conditions of indexes",
    "mbs/webhooks/repository/deliveries.py: FAN_OUT": "the tenant is the column's default",
    "mbs/webhooks/repository/deliveries.py: MARK": "the tenant is a parameter",
    "mbs/webhooks/repository/queue.py": "what waits in any business, identity role; else with the tenant",
    "mbs/receipts/repository.py: ReceiptRepository": "an insert: the tenant is the column's default",
    "mbs/locations/models.py: Location": "the condition of an index",
    "mbs/allocations/models.py": "the conditions of a constraint and of indexes",
    "mbs/bookings/models.py: Booking": "the conditions of indexes",
    "mbs/payments/models.py: Payment": "the condition of an index",
    "mbs/invoices/models/tables.py": "the conditions of indexes",
    "mbs/taxes/models/tables.py: TaxRate": "a part of a constraint",
    "mbs/invoices/repository/series.py: _draw": "an insert: the tenant is the column's default",
    "mbs/waitlist/models.py: WaitlistEntry": "the condition of an index",
    "mbs/consents/repository.py": "inserts: the tenant is the column's default",
    "mbs/branding/repository.py: LogoRepository": "the tenant is the column's default",
    "mbs/printing/models/tables.py: DocumentPrint": "the condition of an index",
    "mbs/printing/repository.py: PrintRepository": "the tenant is the column's default",
    "mbs/printing/repository.py: PrintQueue": "what waits in any business; identity role only",
    "mbs/mail/repository.py": "mails are to people, of no single tenant; the tenant role only puts them in",
    "mbs/mail/models.py: AccountMail": "the condition of an index",
    "mbs/accounts/repository.py": "one-time tokens are people's; identity role only",
    "mbs/second_factor/repository.py": "second factors are people's; identity role only",
    "mbs/sso/repository.py": "external identities are people's; identity role only",
    "mbs/invitations/models.py: Invitation": "the condition of an index",
    "mbs/invitations/repository.py: TokenRepository": "found by the token; identity role only",
    "mbs/sign_ins/repository.py: SignInRepository": "sessions of the scope's tenant or person; identity only",
    "mbs/team/repository.py: MemberSessions": "sessions, with the scope's tenant; identity role only",
}

CONTEXT_VARIABLES = {
    "mbs/foundation/ambient.py": "who is being served: http writes it, logs reads it",
    "mbs/foundation/connections.py": "the deadline, which psycopg2 has no other way to be told of",
}

VARIABLES_OF_OS = {"environ", "environb", "getenv", "getenvb", "putenv"}
AMBIENT_OF_FLASK = {"current_app", "g", "session", "has_app_context", "has_request_context"}
STATEMENTS = {"select", "insert", "update", "delete", "text"}


def imported(source: Source, module: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, name and local name of what is imported from a module or its sub-modules."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{module}."):
            for alias in node.names:
                yield node.lineno, alias.name, alias.asname or alias.name


def attributes(source: Source) -> Iterator[tuple[int, str]]:
    """Yield line and text of every dotted expression."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute):
            yield node.lineno, ast.unparse(node)


def environment(source: Source) -> Iterator[str]:
    for line, name, _ in imported(source, "os"):
        if name in VARIABLES_OF_OS:
            yield f"line {line}"
    for line, text in attributes(source):
        if text.removeprefix("os.") in VARIABLES_OF_OS and text.startswith("os."):
            yield f"line {line}"


def single_variables(source: Source) -> Iterator[str]:
    """The environment taken apart: `os.environ["X"]`, `os.environ.get("X")`, `os.getenv("X")`."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            yield f"line {node.lineno}"
    for line, text in attributes(source):
        if text == "os.getenv" or (text.startswith("os.environ.") and text != "os.environ.items"):
            yield f"line {line}"


def transactions(source: Source) -> Iterator[str]:
    for line, text in attributes(source):
        if re.search(r"\.(commit|rollback|raw_connection|autocommit\w*)$|engine.*\.connect$", text):
            yield f"line {line}"
    prose = docstrings(source.tree)
    for node in ast.walk(source.tree):
        said = node.value if isinstance(node, ast.Constant) and node not in prose else None
        if isinstance(said, str) and re.search(r"^\s*(BEGIN|COMMIT|ROLLBACK)\b|\bAUTOCOMMIT\b", said):
            yield f"line {getattr(node, 'lineno', 0)}"


def ambient(source: Source) -> Iterator[str]:
    for line, name, _ in imported(source, "flask"):
        if name in AMBIENT_OF_FLASK:
            yield f"line {line}"
    for line, text in attributes(source):
        if text.removeprefix("flask.") in AMBIENT_OF_FLASK and text.startswith("flask."):
            yield f"line {line}"


def context_variables(source: Source) -> Iterator[str]:
    for line, name, _ in imported(source, "contextvars"):
        yield f"line {line}: {name}"
    for line, text in attributes(source):
        if text.startswith(("contextvars.", "threading.local")):
            yield f"line {line}"


def bare_statements(source: Source) -> Iterator[str]:
    names = {local for _, name, local in imported(source, "sqlalchemy") if name in STATEMENTS}
    for place, node in within(source.tree):
        if isinstance(node, ast.Call):
            first, _, last = ast.unparse(node.func).rpartition(".")
            dotted = last in STATEMENTS and first.split(".")[0] == "sqlalchemy"
            if dotted or last == "exec_driver_sql" or (last in names and not first):
                yield place


class TestOnlyConfig:
    def test_reads_the_environment(self) -> None:
        found = breaches(environment, sources(*DEPLOYED), READS_ENVIRONMENT)
        assert found == [], "declare the variable in mbs/config.py and take it from the Config you are given"

    def test_is_handed_the_environment_whole(self) -> None:
        allowed = {"deploy/gunicorn.conf.py": "gives all workers the secrets that development generates"}
        found = breaches(single_variables, sources(*DEPLOYED), allowed)
        assert found == [], "pass os.environ on as it is; what one variable means is said in mbs/config.py"


class TestOnlyTheDatabaseModule:
    def test_ends_transactions(self) -> None:
        found = breaches(transactions, sources(*DEPLOYED), ENDS_TRANSACTIONS)
        assert found == [], "open `with self._begin() as transaction:` in the service; its end commits"


class TestOnlyTheFoundation:
    def test_knows_the_request_s_surroundings(self) -> None:
        found = breaches(
            ambient, [one for one in sources("mbs") if not one.name.startswith("mbs/foundation/")]
        )
        assert found == [], "take the value as an argument; blueprints ask foundation.http for the scope"

    def test_has_context_variables(self) -> None:
        allowed = {
            **CONTEXT_VARIABLES,
            "mbs/foundation/limits_postgres.py": "the window of the hit just counted",
        }
        found = breaches(context_variables, sources(*DEPLOYED), allowed)
        assert found == [], "hand the value on as an argument: what is ambient cannot be seen in a signature"


class TestOnlyTheRepositoryBase:
    def test_starts_statements(self) -> None:
        rooms = sources(*(f"mbs/{room}" for room in ROOMS))
        found = breaches(bare_statements, rooms, BARE_STATEMENTS)
        assert found == [], (
            "start from self.select(), self.update() or self.delete() of foundation.repository, which add "
            "the tenant: a bare statement leaves only the second wall standing"
        )


class TestABreach:
    @pytest.mark.parametrize(
        ("rule", "text"),
        [
            (environment, "import os\nos.environ['X']"),
            (environment, "import os\nos.getenv('X')"),
            (environment, "from os import environ"),
            (single_variables, "import os\nos.environ.get('X')"),
            (single_variables, "import os\nos.environ['X']"),
            (transactions, "connection.commit()"),
            (transactions, "database.engine.connect()"),
            (transactions, "database.engine.raw_connection()"),
            (transactions, "cursor.execute('COMMIT')"),
            (transactions, "cursor.execute('BEGIN; SELECT 1')"),
            (transactions, "connection.execution_options(isolation_level='AUTOCOMMIT')"),
            (transactions, "raw.autocommit = True"),
            (ambient, "from flask import Flask, g"),
            (ambient, "import flask\nflask.current_app.config"),
            (context_variables, "from contextvars import ContextVar"),
            (context_variables, "import threading\nlocal = threading.local()"),
            (bare_statements, "from sqlalchemy import select\ndef f():\n    return select(Customer)"),
            (bare_statements, "from sqlalchemy.dialects.postgresql import insert as put\nput(Customer)"),
            (bare_statements, "import sqlalchemy\nsqlalchemy.delete(Customer)"),
            (bare_statements, "from sqlalchemy import text\nALL = text('SELECT * FROM customers')"),
            (bare_statements, "connection.exec_driver_sql('SELECT 1')"),
        ],
    )
    def test_is_noticed(self, rule: Rule, text: str) -> None:
        assert breaches(rule, [Source("mbs/customers/service.py", text)]) != []

    @pytest.mark.parametrize(
        ("rule", "text"),
        [
            (transactions, '"""Commit: COMMIT ends it."""'),
            (bare_statements, "self.select().where(x)"),
            (bare_statements, "from marshmallow.fields import text\ntext('select')"),
            (environment, "request.environ['RAW_URI']"),
        ],
    )
    def test_is_not_seen_where_there_is_none(self, rule: Rule, text: str) -> None:
        assert breaches(rule, [Source("mbs/customers/service.py", text)]) == []
