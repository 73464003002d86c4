"""Create invoices and credit notes, their lines, and the series that number them without a gap."""

from alembic import op

revision = "0025"
down_revision = "0024"
phase = "expand"
release = "0.1.0"
waivers = {"prefer-bigint-over-smallint": "a CHECK keeps each of them far below the limit"}

TABLES = ("documents", "document_lines", "number_series")

# CLDR's table, as babel has it; a test holds the two together.
WITHOUT_DECIMALS = (
    "ADP AFN ALL BIF BYR CLP DJF ESP GNF IQD IRR ISK ITL JPY KMF KPW KRW LAK LBP LUF MGA MGF MMK MRO "
    "PYG RSD RWF SLL SOS STD SYP TMM TRL UGX UYI VND VUV XAF XOF XPF YER ZMK ZWD"
)


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION currency_scale(currency text) RETURNS integer
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
            SELECT CASE
                WHEN currency = ANY (ARRAY['BHD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND']) THEN 3
                WHEN currency = ANY (ARRAY['CLF', 'UYW']) THEN 4
                WHEN currency = ANY (string_to_array('WITHOUT_DECIMALS', ' ')) THEN 0
                ELSE 2
            END
        $$
        """.replace("WITHOUT_DECIMALS", WITHOUT_DECIMALS)
    )
    op.execute(
        """
        CREATE TABLE number_series (
            tenant_id  uuid   NOT NULL DEFAULT app_tenant(),
            type       text   NOT NULL,
            -- The pattern with place and period filled in, so that each place and period counts by itself.
            series     text   NOT NULL COLLATE "C",
            next_value bigint NOT NULL DEFAULT 1,
            -- The date of the last number: those of documents run as their dates do.
            last_on    date,
            CONSTRAINT pk__number_series PRIMARY KEY (tenant_id, type, series),
            CONSTRAINT fk__number_series__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT ck__number_series__type CHECK (type IN ('invoice', 'credit_note', 'payment')),
            CONSTRAINT ck__number_series__next_value CHECK (next_value >= 1)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE documents (
            tenant_id        uuid           NOT NULL DEFAULT app_tenant(),
            id               uuid           NOT NULL,
            type             text           NOT NULL,
            status           text           NOT NULL DEFAULT 'draft',
            title            text,
            number           text           COLLATE "C",
            series           text           COLLATE "C",
            seq              bigint,
            location_id      uuid           NOT NULL,
            customer_id      uuid           NOT NULL,
            booking_id       uuid,
            original_id      uuid,
            currency         text           NOT NULL,
            issue_date       date,
            supply_date      date,
            due_date         date,
            seller           jsonb,
            buyer            jsonb,
            place_of_supply  text,
            reverse_charge   boolean        NOT NULL DEFAULT false,
            tax_mode         text           NOT NULL,
            rounding_scope   text           NOT NULL,
            cash_rounding    numeric(19, 4),
            discount_percent numeric(7, 4),
            discount_amount  numeric(19, 4),
            subtotal         numeric(19, 4) NOT NULL,
            discount_total   numeric(19, 4) NOT NULL,
            tax_total        numeric(19, 4) NOT NULL,
            rounding         numeric(19, 4) NOT NULL,
            total            numeric(19, 4) NOT NULL,
            amount_paid      numeric(19, 4) NOT NULL DEFAULT 0,
            amount_credited  numeric(19, 4) NOT NULL DEFAULT 0,
            amount_due       numeric(19, 4) NOT NULL
                GENERATED ALWAYS AS (total - amount_paid - amount_credited) STORED,
            tax_summary      jsonb          NOT NULL DEFAULT '[]',
            notes            text,
            terms            text,
            footer           text,
            reason           text,
            settlement       text,
            sent_at          timestamptz,
            voided_at        timestamptz,
            void_reason      text,
            -- What lists are ordered by: drafts, which have none of these yet, stand behind all others.
            issue_order      date           NOT NULL
                GENERATED ALWAYS AS (coalesce(issue_date, make_date(9999, 12, 31))) STORED,
            due_order        date           NOT NULL
                GENERATED ALWAYS AS (coalesce(due_date, make_date(9999, 12, 31))) STORED,
            number_order     text           NOT NULL COLLATE "C"
                GENERATED ALWAYS AS (coalesce(number, '~')) STORED,
            -- Under row-level security no index is searched for a number: its comparison is not leakproof.
            total_order      text           NOT NULL COLLATE "C"
                GENERATED ALWAYS AS (lpad(total::text, 20, '0')) STORED,
            created_by       uuid           NOT NULL DEFAULT app_actor(),
            version          bigint         NOT NULL DEFAULT 1,
            created_at       timestamptz    NOT NULL DEFAULT now(),
            updated_at       timestamptz    NOT NULL DEFAULT now(),
            CONSTRAINT pk__documents PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__documents__tenant_id__type__number UNIQUE (tenant_id, type, number),
            CONSTRAINT uq__documents__tenant_id__type__series__seq UNIQUE (tenant_id, type, series, seq),
            -- What an allocation refers to: money in one currency, of one customer.
            CONSTRAINT uq__documents__tenant_id__id__customer_id__currency
                UNIQUE (tenant_id, id, customer_id, currency),
            CONSTRAINT fk__documents__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__documents__tenant_id__location_id
                FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id),
            CONSTRAINT fk__documents__tenant_id__customer_id
                FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
            CONSTRAINT fk__documents__tenant_id__booking_id
                FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings (tenant_id, id),
            -- A credit note is of the invoice's customer and in its currency.
            CONSTRAINT fk__documents__original
                FOREIGN KEY (tenant_id, original_id, customer_id, currency)
                REFERENCES documents (tenant_id, id, customer_id, currency),
            CONSTRAINT ck__documents__type CHECK (type IN ('invoice', 'credit_note')),
            CONSTRAINT ck__documents__original_id CHECK ((type = 'credit_note') = (original_id IS NOT NULL)),
            CONSTRAINT ck__documents__status
                CHECK (CASE type
                       WHEN 'invoice' THEN status IN ('draft', 'open', 'paid', 'void', 'uncollectible')
                       ELSE status IN ('draft', 'issued') END),
            CONSTRAINT ck__documents__number
                CHECK (CASE status WHEN 'draft' THEN num_nonnulls(number, series, seq, issue_date) = 0
                       ELSE num_nulls(number, series, seq, title, issue_date, supply_date, seller, buyer) = 0
                       END),
            CONSTRAINT ck__documents__due_date CHECK (due_date >= issue_date),
            CONSTRAINT ck__documents__tax_mode CHECK (tax_mode IN ('inclusive', 'exclusive')),
            CONSTRAINT ck__documents__rounding_scope CHECK (rounding_scope IN ('document', 'line')),
            CONSTRAINT ck__documents__settlement CHECK (settlement IN ('apply', 'refund', 'balance')),
            CONSTRAINT ck__documents__discount
                CHECK (num_nonnulls(discount_percent, discount_amount) <= 1
                       AND discount_percent BETWEEN 0 AND 100 AND discount_amount >= 0),
            CONSTRAINT ck__documents__total CHECK (total = subtotal + tax_total + rounding),
            CONSTRAINT ck__documents__amounts
                CHECK (subtotal >= 0 AND discount_total >= 0 AND tax_total >= 0 AND total >= 0),
            CONSTRAINT ck__documents__scale
                CHECK (subtotal = round(subtotal, currency_scale(currency))
                       AND tax_total = round(tax_total, currency_scale(currency))
                       AND total = round(total, currency_scale(currency))
                       AND amount_paid = round(amount_paid, currency_scale(currency))
                       AND amount_credited = round(amount_credited, currency_scale(currency))),
            CONSTRAINT ck__documents__paid
                CHECK (amount_paid >= 0 AND amount_credited >= 0 AND amount_paid + amount_credited <= total),
            CONSTRAINT ck__documents__due
                CHECK (CASE status WHEN 'paid' THEN total = amount_paid + amount_credited
                       WHEN 'open' THEN total > amount_paid + amount_credited
                       WHEN 'uncollectible' THEN total > amount_paid + amount_credited
                       ELSE amount_paid + amount_credited = 0 END)
        )
        """
    )
    for name, columns in {
        "created_at": "created_at, id",
        "updated_at": "updated_at, id",
        "issue_order": "issue_order, id",
        "due_order": "due_order, id",
        "number_order": "number_order, id",
        "total_order": "total_order, id",
        "customer_id": "customer_id, created_at, id",
    }.items():
        op.execute(f"CREATE INDEX ix__documents__{name} ON documents (tenant_id, type, {columns})")
    op.execute("CREATE INDEX ix__documents__location_id ON documents (tenant_id, location_id)")
    op.execute("CREATE INDEX ix__documents__booking_id ON documents (tenant_id, booking_id)")
    op.execute("CREATE INDEX ix__documents__original_id ON documents (tenant_id, original_id)")
    op.execute(
        "CREATE INDEX ix__documents__owed ON documents (tenant_id, due_date, id)"
        " WHERE type = 'invoice' AND status = 'open'"
    )
    op.execute(
        """
        CREATE TABLE document_lines (
            tenant_id        uuid           NOT NULL DEFAULT app_tenant(),
            id               uuid           NOT NULL,
            document_id      uuid           NOT NULL,
            position         smallint       NOT NULL,
            catalog_item_id  uuid,
            description      text           NOT NULL,
            quantity         numeric(12, 3) NOT NULL,
            unit             text,
            unit_price       numeric(19, 4) NOT NULL,
            discount_percent numeric(7, 4),
            discount_amount  numeric(19, 4),
            -- Quantity by price less the line's own discount, then the part of the document's discount.
            amount           numeric(19, 4) NOT NULL,
            document_discount numeric(19, 4) NOT NULL DEFAULT 0,
            tax_category     text           NOT NULL,
            tax_kind         text           NOT NULL,
            supply_rule      text           NOT NULL,
            sac_hsn          text,
            net              numeric(19, 4) NOT NULL,
            taxes            jsonb          NOT NULL DEFAULT '[]',
            tax              numeric(19, 4) NOT NULL,
            total            numeric(19, 4) NOT NULL,
            source_type      text,
            source_id        uuid,
            -- Whether what was billed here may be billed again: its invoice is void, or it was credited.
            released         boolean        NOT NULL DEFAULT false,
            credited_line_id uuid,
            credited_quantity numeric(12, 3),
            CONSTRAINT pk__document_lines PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__document_lines__tenant_id__document_id__position
                UNIQUE (tenant_id, document_id, position),
            CONSTRAINT fk__document_lines__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__document_lines__tenant_id__document_id
                FOREIGN KEY (tenant_id, document_id) REFERENCES documents (tenant_id, id) ON DELETE CASCADE,
            CONSTRAINT fk__document_lines__tenant_id__catalog_item_id
                FOREIGN KEY (tenant_id, catalog_item_id) REFERENCES catalog_items (tenant_id, id),
            CONSTRAINT fk__document_lines__tenant_id__credited_line_id
                FOREIGN KEY (tenant_id, credited_line_id) REFERENCES document_lines (tenant_id, id),
            CONSTRAINT ck__document_lines__position CHECK (position BETWEEN 1 AND 1000),
            CONSTRAINT ck__document_lines__quantity
                CHECK (quantity > 0 AND credited_quantity > 0 IS NOT FALSE),
            CONSTRAINT ck__document_lines__discount
                CHECK (num_nonnulls(discount_percent, discount_amount) <= 1
                       AND discount_percent BETWEEN 0 AND 100 AND discount_amount >= 0),
            CONSTRAINT ck__document_lines__amounts
                CHECK (unit_price >= 0 AND amount >= 0 AND document_discount BETWEEN 0 AND amount
                       AND net >= 0 AND tax >= 0),
            CONSTRAINT ck__document_lines__total CHECK (total = net + tax),
            CONSTRAINT ck__document_lines__tax_kind
                CHECK (tax_kind IN ('taxed', 'zero', 'exempt', 'out_of_scope', 'reverse_charge')
                       AND (tax_kind = 'taxed' OR tax = 0)),
            CONSTRAINT ck__document_lines__source CHECK ((source_type IS NULL) = (source_id IS NULL)),
            CONSTRAINT ck__document_lines__source_type
                CHECK (source_type IN ('booking_item', 'booking_fee'))
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq__document_lines__source"
        " ON document_lines (tenant_id, source_type, source_id) WHERE source_id IS NOT NULL AND NOT released"
    )
    op.execute(
        "CREATE INDEX ix__document_lines__catalog_item_id ON document_lines (tenant_id, catalog_item_id)"
    )
    op.execute(
        "CREATE INDEX ix__document_lines__credited_line_id ON document_lines (tenant_id, credited_line_id)"
    )
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} TO mbs_tenant"
            " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
        )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON documents, document_lines TO mbs_tenant")
    op.execute("GRANT SELECT, INSERT, UPDATE ON number_series TO mbs_tenant")


def downgrade() -> None:
    for table in ("document_lines", "documents", "number_series"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION currency_scale(text)")
