"""Create functions for the statements that every request sends, so that each connection plans them once.

PL/pgSQL keeps a plan for the life of a connection, also behind a pooler that shares connections between
clients, where a prepared statement would be lost. Planning was two thirds of what these statements cost.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
phase = "expand"
release = "0.1.0"

# A waiter's time must be read after it got the row, or it would be admitted early by its wait; that
# is why clock_timestamp() stands inside the SET list, evaluated under the row lock.
COUNT_HIT = """
CREATE FUNCTION {function}(
    counted text, allowed integer, seconds integer, amount integer,
    OUT admitted boolean, OUT held integer, OUT oldest double precision, OUT is_new boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO {table} AS counter (key, hits, expires_at)
    VALUES (counted, ARRAY[clock_timestamp()], clock_timestamp() + make_interval(secs => seconds))
    ON CONFLICT (key) DO UPDATE SET (hits, admitted, expires_at) = (
        SELECT CASE WHEN cardinality(recent) + amount <= allowed THEN recent || now ELSE recent END,
               cardinality(recent) + amount <= allowed,
               now + make_interval(secs => seconds)
        FROM (SELECT now, ARRAY(SELECT hit FROM unnest(counter.hits) AS hit
                                WHERE hit > now - make_interval(secs => seconds) ORDER BY hit) AS recent
              FROM (SELECT clock_timestamp() AS now) AS clock) AS window_)
    RETURNING counter.admitted, cardinality(counter.hits), extract(epoch FROM counter.hits[1]), xmax = 0
    INTO admitted, held, oldest, is_new;
END
$$
"""

# Nulls when session, person or membership no longer stands, or the business is closed.
FIND_CALLER = """
CREATE FUNCTION find_caller(
    session_id uuid, person_id uuid, business_id uuid, OUT role text, OUT tenant_status text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT membership.role, tenant.status
    FROM login_sessions session
    JOIN users person ON person.id = session.user_id
    JOIN memberships membership
      ON membership.tenant_id = session.tenant_id AND membership.user_id = session.user_id
    JOIN tenants tenant ON tenant.id = session.tenant_id
    WHERE session.id = session_id AND session.user_id = person_id AND session.tenant_id = business_id
      AND session.revoked_at IS NULL AND session.idle_until > now() AND session.absolute_until > now()
      AND person.status = 'active' AND membership.status = 'active' AND tenant.status <> 'closed'
    INTO role, tenant_status;
END
$$
"""


def upgrade() -> None:
    op.execute(COUNT_HIT.format(function="count_request", table="rate_limits"))
    op.execute(COUNT_HIT.format(function="count_attempt", table="login_attempts"))
    op.execute(FIND_CALLER)


def downgrade() -> None:
    op.execute("DROP FUNCTION find_caller(uuid, uuid, uuid)")
    op.execute("DROP FUNCTION count_attempt(text, integer, integer, integer)")
    op.execute("DROP FUNCTION count_request(text, integer, integer, integer)")
