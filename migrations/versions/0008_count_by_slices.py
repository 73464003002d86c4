"""Count a request by cutting the expired hits off an ordered array, instead of unpacking and sorting it.

Each hit is appended under the row's lock and is never earlier than the one before it, so the expired ones are
the array's head, and a binary search finds where they end.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
phase = "expand"
release = "0.1.0"

SIGNATURE = """
CREATE OR REPLACE FUNCTION {function}(
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
        FROM ({recent}) AS window_)
    RETURNING counter.admitted, cardinality(counter.hits), extract(epoch FROM counter.hits[1]), xmax = 0
    INTO admitted, held, oldest, is_new;
END
$$
"""

SLICED = """SELECT now, counter.hits[width_bucket(now - make_interval(secs => seconds), counter.hits) + 1 :]
                                AS recent
              FROM (SELECT greatest(clock_timestamp(), counter.hits[cardinality(counter.hits)])
                                AS now) AS clock"""

SORTED = """SELECT now, ARRAY(SELECT hit FROM unnest(counter.hits) AS hit
                                WHERE hit > now - make_interval(secs => seconds) ORDER BY hit) AS recent
              FROM (SELECT clock_timestamp() AS now) AS clock"""

COUNTERS = (("count_request", "rate_limits"), ("count_attempt", "login_attempts"))


def upgrade() -> None:
    for function, table in COUNTERS:
        op.execute(SIGNATURE.format(function=function, table=table, recent=SLICED))


def downgrade() -> None:
    for function, table in COUNTERS:
        op.execute(SIGNATURE.format(function=function, table=table, recent=SORTED))
