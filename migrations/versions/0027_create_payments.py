"""Create payments, what they are for, and refunds.

`payment_allocations` and `refunds` are only ever added to, and allocations taken away: whatever was paid and
applied is their sum. The triggers hold that at commit; the program writes the sums under
the locks of the rows.
"""

from alembic import op

revision = "0027"
down_revision = "0026"
phase = "expand"
release = "0.1.0"

TABLES = ("payments", "payment_allocations", "refunds")


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE payments (
            tenant_id       uuid           NOT NULL DEFAULT app_tenant(),
            id              uuid           NOT NULL,
            number          text           NOT NULL COLLATE "C",
            series          text           NOT NULL COLLATE "C",
            seq             bigint         NOT NULL,
            customer_id     uuid           NOT NULL,
            location_id     uuid           NOT NULL,
            booking_id      uuid,
            currency        text           NOT NULL,
            amount          numeric(19, 4) NOT NULL,
            method          text           NOT NULL,
            status          text           NOT NULL DEFAULT 'succeeded',
            reference       text,
            received_at     timestamptz    NOT NULL,
            amount_applied  numeric(19, 4) NOT NULL DEFAULT 0,
            amount_refunded numeric(19, 4) NOT NULL DEFAULT 0,
            amount_unapplied numeric(19, 4) NOT NULL
                GENERATED ALWAYS AS (CASE status WHEN 'reversed' THEN 0
                                     ELSE amount - amount_applied - amount_refunded END) STORED,
            notes           text,
            reversed_at     timestamptz,
            reverse_reason  text,
            created_by      uuid           NOT NULL DEFAULT app_actor(),
            version         bigint         NOT NULL DEFAULT 1,
            created_at      timestamptz    NOT NULL DEFAULT now(),
            updated_at      timestamptz    NOT NULL DEFAULT now(),
            CONSTRAINT pk__payments PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__payments__tenant_id__number UNIQUE (tenant_id, number),
            CONSTRAINT uq__payments__tenant_id__series__seq UNIQUE (tenant_id, series, seq),
            CONSTRAINT uq__payments__tenant_id__id__customer_id__currency
                UNIQUE (tenant_id, id, customer_id, currency),
            CONSTRAINT fk__payments__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__payments__tenant_id__customer_id
                FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
            CONSTRAINT fk__payments__tenant_id__location_id
                FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id),
            CONSTRAINT fk__payments__tenant_id__booking_id
                FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings (tenant_id, id),
            CONSTRAINT ck__payments__method
                CHECK (method IN ('cash', 'card', 'upi', 'bank_transfer', 'netbanking', 'wallet', 'cheque',
                                  'gateway', 'other')),
            CONSTRAINT ck__payments__amount CHECK (amount > 0),
            CONSTRAINT ck__payments__applied
                CHECK (amount_applied >= 0 AND amount_refunded >= 0
                       AND amount_applied + amount_refunded <= amount),
            CONSTRAINT ck__payments__scale
                CHECK (amount = round(amount, currency_scale(currency))
                       AND amount_applied = round(amount_applied, currency_scale(currency))
                       AND amount_refunded = round(amount_refunded, currency_scale(currency))),
            CONSTRAINT ck__payments__status
                CHECK (CASE status WHEN 'succeeded' THEN amount_refunded = 0
                       WHEN 'partially_refunded' THEN amount_refunded > 0 AND amount_refunded < amount
                       WHEN 'refunded' THEN amount_refunded = amount
                       WHEN 'reversed' THEN amount_refunded = 0 AND amount_applied = 0
                       ELSE false END),
            CONSTRAINT ck__payments__reversed_at CHECK ((status = 'reversed') = (reversed_at IS NOT NULL))
        )
        """
    )
    for name, columns in {
        "created_at": "created_at, id",
        "received_at": "received_at, id",
        "amount": "amount, id",
        "customer_id": "customer_id, received_at, id",
        "location_id": "location_id",
        "booking_id": "booking_id",
    }.items():
        op.execute(f"CREATE INDEX ix__payments__{name} ON payments (tenant_id, {columns})")
    op.execute(
        "CREATE INDEX ix__payments__unapplied ON payments (tenant_id, received_at, id)"
        " WHERE amount_unapplied > 0"
    )
    op.execute(
        """
        CREATE TABLE payment_allocations (
            tenant_id   uuid           NOT NULL DEFAULT app_tenant(),
            id          uuid           NOT NULL,
            payment_id  uuid           NOT NULL,
            document_id uuid           NOT NULL,
            customer_id uuid           NOT NULL,
            currency    text           NOT NULL,
            amount      numeric(19, 4) NOT NULL,
            created_by  uuid           NOT NULL DEFAULT app_actor(),
            created_at  timestamptz    NOT NULL DEFAULT now(),
            CONSTRAINT pk__payment_allocations PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk__payment_allocations__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            -- Both ends name the same customer and the same currency: no silent exchange.
            CONSTRAINT fk__payment_allocations__payment
                FOREIGN KEY (tenant_id, payment_id, customer_id, currency)
                REFERENCES payments (tenant_id, id, customer_id, currency),
            CONSTRAINT fk__payment_allocations__document
                FOREIGN KEY (tenant_id, document_id, customer_id, currency)
                REFERENCES documents (tenant_id, id, customer_id, currency),
            CONSTRAINT ck__payment_allocations__amount
                CHECK (amount > 0 AND amount = round(amount, currency_scale(currency)))
        )
        """
    )
    op.execute(
        "CREATE INDEX ix__payment_allocations__payment_id ON payment_allocations (tenant_id, payment_id, id)"
    )
    op.execute(
        "CREATE INDEX ix__payment_allocations__document_id"
        " ON payment_allocations (tenant_id, document_id, id)"
    )
    op.execute(
        """
        CREATE TABLE refunds (
            tenant_id      uuid           NOT NULL DEFAULT app_tenant(),
            id             uuid           NOT NULL,
            payment_id     uuid           NOT NULL,
            customer_id    uuid           NOT NULL,
            currency       text           NOT NULL,
            amount         numeric(19, 4) NOT NULL,
            method         text           NOT NULL,
            status         text           NOT NULL DEFAULT 'succeeded',
            reference      text,
            reason         text           NOT NULL,
            credit_note_id uuid,
            refunded_at    timestamptz    NOT NULL,
            created_by     uuid           NOT NULL DEFAULT app_actor(),
            created_at     timestamptz    NOT NULL DEFAULT now(),
            CONSTRAINT pk__refunds PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk__refunds__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__refunds__payment
                FOREIGN KEY (tenant_id, payment_id, customer_id, currency)
                REFERENCES payments (tenant_id, id, customer_id, currency),
            CONSTRAINT fk__refunds__credit_note
                FOREIGN KEY (tenant_id, credit_note_id, customer_id, currency)
                REFERENCES documents (tenant_id, id, customer_id, currency),
            CONSTRAINT ck__refunds__status CHECK (status = 'succeeded'),
            CONSTRAINT ck__refunds__method
                CHECK (method IN ('cash', 'card', 'upi', 'bank_transfer', 'netbanking', 'wallet', 'cheque',
                                  'gateway', 'other')),
            CONSTRAINT ck__refunds__amount
                CHECK (amount > 0 AND amount = round(amount, currency_scale(currency)))
        )
        """
    )
    op.execute("CREATE INDEX ix__refunds__payment_id ON refunds (tenant_id, payment_id, id)")
    op.execute("CREATE INDEX ix__refunds__credit_note_id ON refunds (tenant_id, credit_note_id)")
    op.execute("CREATE INDEX ix__refunds__refunded_at ON refunds (tenant_id, refunded_at, id)")
    op.execute(BALANCE_PAYMENT)
    op.execute(BALANCE_DOCUMENT)
    for table, event, key in (
        ("payments", "INSERT OR UPDATE", "id"),
        ("payment_allocations", "INSERT OR DELETE", "payment_id"),
        ("refunds", "INSERT", "payment_id"),
    ):
        op.execute(
            f"CREATE CONSTRAINT TRIGGER balanced AFTER {event} ON {table}"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
            f" EXECUTE FUNCTION refuse_unbalanced_payment('{key}')"
        )
    for table, event, key in (
        ("documents", "INSERT OR UPDATE", "id"),
        ("payment_allocations", "INSERT OR DELETE", "document_id"),
    ):
        op.execute(
            f"CREATE CONSTRAINT TRIGGER paid AFTER {event} ON {table}"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
            f" EXECUTE FUNCTION refuse_unbalanced_paid('{key}')"
        )
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} TO mbs_tenant"
            " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
        )
    op.execute("GRANT SELECT, INSERT ON payments, refunds TO mbs_tenant")
    op.execute(
        "GRANT UPDATE (status, amount_applied, amount_refunded, notes, reversed_at, reverse_reason, version,"
        " updated_at) ON payments TO mbs_tenant"
    )
    op.execute("GRANT SELECT, INSERT, DELETE ON payment_allocations TO mbs_tenant")


BALANCE_PAYMENT = """
CREATE FUNCTION refuse_unbalanced_payment() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed record;
    payment uuid;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    payment := (to_jsonb(changed) ->> TG_ARGV[0])::uuid;
    PERFORM FROM public.payments AS p
        WHERE p.tenant_id = changed.tenant_id AND p.id = payment
            AND (p.amount_applied <> (SELECT coalesce(sum(a.amount), 0) FROM public.payment_allocations AS a
                    WHERE a.tenant_id = p.tenant_id AND a.payment_id = p.id)
                OR p.amount_refunded <> (SELECT coalesce(sum(r.amount), 0) FROM public.refunds AS r
                    WHERE r.tenant_id = p.tenant_id AND r.payment_id = p.id));
    IF FOUND THEN
        RAISE EXCEPTION 'a payment is not the sum of what it is for' USING ERRCODE = 'MB004';
    END IF;
    RETURN NULL;
END $$
"""

BALANCE_DOCUMENT = """
CREATE FUNCTION refuse_unbalanced_paid() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed record;
    document uuid;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    document := (to_jsonb(changed) ->> TG_ARGV[0])::uuid;
    PERFORM FROM public.documents AS d
        WHERE d.tenant_id = changed.tenant_id AND d.id = document
            AND d.amount_paid <> (SELECT coalesce(sum(a.amount), 0) FROM public.payment_allocations AS a
                    WHERE a.tenant_id = d.tenant_id AND a.document_id = d.id);
    IF FOUND THEN
        RAISE EXCEPTION 'what was paid is not the sum of the payments' USING ERRCODE = 'MB004';
    END IF;
    RETURN NULL;
END $$
"""


def downgrade() -> None:
    op.execute("DROP TRIGGER paid ON documents")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION refuse_unbalanced_paid()")
    op.execute("DROP FUNCTION refuse_unbalanced_payment()")
