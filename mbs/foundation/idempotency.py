"""`Idempotency-Key` and `dryRun`: one decorator that opens the transaction around the whole view.

The key's row commits with the effect, so a crash leaves both or neither, and a refusal leaves no key
behind. A concurrent twin waits on the key's row and then replays. Rules: Stripe; IETF draft
idempotency-key-header section 2.
"""

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import orjson
from flask import current_app, request
from sqlalchemy import text
from werkzeug.wrappers import Response

from mbs.foundation.db import Database, Transaction
from mbs.foundation.errors import FieldFault, IdempotencyKeyRequired, IdempotencyKeyReused, Invalid
from mbs.foundation.http import current_scope, narrow_scope

F = TypeVar("F", bound=Callable[..., Any])

EXTENSION = "mbs.database"
HEADER = "Idempotency-Key"
KEPT_HEADERS = ("Content-Type", "ETag", "Location")

CLAIM = text("""
INSERT INTO idempotency_keys (actor_id, key, fingerprint) VALUES (:actor, :key, :fingerprint)
ON CONFLICT (tenant_id, actor_id, key) DO UPDATE
SET fingerprint = excluded.fingerprint, expires_at = excluded.expires_at, status = NULL, body = NULL
WHERE idempotency_keys.expires_at < now()
RETURNING key
""")
READ = text("""
SELECT fingerprint, status, headers, body FROM idempotency_keys
WHERE tenant_id = :tenant AND actor_id = :actor AND key = :key
""")
KEEP = text("""
UPDATE idempotency_keys SET status = :status, headers = CAST(:headers AS jsonb), body = :body
WHERE tenant_id = :tenant AND actor_id = :actor AND key = :key
""")
SWEEP = text("""
DELETE FROM idempotency_keys WHERE tenant_id = :tenant AND (actor_id, key) IN (
  SELECT actor_id, key FROM idempotency_keys
  WHERE tenant_id = :tenant AND expires_at < now() LIMIT 10 FOR UPDATE SKIP LOCKED)
""")


class _RolledBack(Exception):
    """Ends a dry run's transaction without an effect."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def replayable(view: F) -> F:
    """Honor `Idempotency-Key` and `?dryRun=true` on a view that changes something inside a tenant.

    The view's service joins the transaction opened here. 401, 403 and 429 come before it, so they are
    never stored; neither is any refusal, because it rolls the key back with everything else.
    """
    view.replayable = True  # type: ignore[attr-defined]

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Response:
        key, dry_run = idempotency_key(), dry_run_wanted()
        if key is None and not dry_run:
            return view(*args, **kwargs)  # type: ignore[no-any-return]
        database: Database = current_app.extensions[EXTENSION]
        try:
            with database.transaction(current_scope()) as transaction:
                narrow_scope(open_transaction=transaction)
                if dry_run:
                    raise _RolledBack(view(*args, **kwargs))
                assert key is not None
                return _once(transaction, key, lambda: view(*args, **kwargs))
        except _RolledBack as end:
            end.response.headers["Dry-Run"] = "true"
            return end.response
        finally:
            narrow_scope(open_transaction=None)

    return wrapper  # type: ignore[return-value]


def key_required(view: F) -> F:
    """Refuse a request without an `Idempotency-Key` on a view that is `replayable`, rehearsals included.

    Stands above `replayable`. Whoever moves money repeats a request whose answer was lost.
    """
    view.key_required = True  # type: ignore[attr-defined]

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Response:
        if idempotency_key() is None:
            raise IdempotencyKeyRequired
        return view(*args, **kwargs)  # type: ignore[no-any-return]

    return wrapper  # type: ignore[return-value]


def dry_run_wanted() -> bool:
    """Read `?dryRun=`.

    :raises Invalid: if it is neither `true` nor `false`.
    """
    given = request.args.get("dryRun", "false")
    if given not in ("true", "false"):
        raise Invalid(errors=[FieldFault("dryRun", "invalid", "Must be true or false.")])
    return given == "true"


def idempotency_key() -> str | None:
    """Return the request's key; `"k"` in quotes (a structured field) and plain `k` are the same key.

    :raises Invalid: if it is not 1 to 255 printable ASCII characters.
    """
    given = request.headers.get(HEADER)
    if given is None:
        return None
    key = given.strip()
    if len(key) >= 2 and key.startswith('"') and key.endswith('"'):
        key = key[1:-1]
    if not re.fullmatch(r"[\x20-\x7e]{1,255}", key, re.ASCII):
        raise Invalid(errors=[FieldFault(HEADER, "invalid", "Must be 1 to 255 printable ASCII characters.")])
    return key


def fingerprint() -> str:
    """Return the digest of what makes two requests the same: method, path, query and body."""
    parts = [request.method, request.path, request.query_string.decode("latin-1")]
    return hashlib.sha256("\0".join(parts).encode() + b"\0" + request.get_data()).hexdigest()


def _once(transaction: Transaction, key: str, work: Callable[[], Response]) -> Response:
    row = {"tenant": transaction.tenant_id, "actor": transaction.scope.actor_id, "key": key}
    digest = fingerprint()
    claimed = transaction.execute(CLAIM, {**row, "fingerprint": digest}).one_or_none()
    if claimed is None:
        stored = transaction.execute(READ, row).one()
        if stored.fingerprint != digest:
            raise IdempotencyKeyReused
        response = Response(stored.body, status=stored.status, headers=stored.headers)
        response.headers["Idempotent-Replayed"] = "true"
        return response
    response = work()
    kept = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    transaction.execute(
        KEEP,
        {
            **row,
            "status": response.status_code,
            "headers": orjson.dumps(kept).decode(),
            "body": response.get_data(as_text=True),
        },
    )
    transaction.execute(SWEEP, {"tenant": transaction.tenant_id})
    return response
