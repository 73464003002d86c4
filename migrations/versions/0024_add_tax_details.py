"""Note what taxes are reckoned from: of locations, customers and services; and a business's own rates."""

from alembic import op

revision = "0024"
down_revision = "0023"
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE locations
            ADD COLUMN legal_name text,
            ADD COLUMN tax_regime text NOT NULL DEFAULT 'none',
            ADD COLUMN invoice_prefix text NOT NULL DEFAULT 'INV'
        """
    )
    op.execute(
        """
        ALTER TABLE customers
            ADD COLUMN tax_status text NOT NULL DEFAULT 'unregistered',
            ADD COLUMN region_code text
        """
    )
    op.execute(
        """
        ALTER TABLE catalog_items
            ADD COLUMN tax_category text NOT NULL DEFAULT 'standard',
            ADD COLUMN sac_hsn text,
            ADD COLUMN supply_rule text
        """
    )
    op.execute(
        """
        CREATE TABLE tax_rates (
            tenant_id    uuid        NOT NULL DEFAULT app_tenant(),
            id           uuid        NOT NULL,
            jurisdiction text        NOT NULL,
            -- Only here; everywhere in the jurisdiction unless there is one.
            location_id  uuid,
            category     text        NOT NULL COLLATE "C",
            kind         text        NOT NULL DEFAULT 'taxed',
            components   jsonb       NOT NULL DEFAULT '[]',
            valid_from   date        NOT NULL,
            valid_to     date,
            during       daterange   NOT NULL GENERATED ALWAYS AS (daterange(valid_from, valid_to)) STORED,
            source       text,
            created_by   uuid        NOT NULL DEFAULT app_actor(),
            version      bigint      NOT NULL DEFAULT 1,
            created_at   timestamptz NOT NULL DEFAULT now(),
            updated_at   timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__tax_rates PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk__tax_rates__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__tax_rates__tenant_id__location_id
                FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id),
            CONSTRAINT ck__tax_rates__kind
                CHECK (kind IN ('taxed', 'zero', 'exempt', 'out_of_scope', 'reverse_charge')),
            CONSTRAINT ck__tax_rates__components
                CHECK ((kind = 'taxed') = (jsonb_array_length(components) > 0)),
            CONSTRAINT ck__tax_rates__valid_to CHECK (valid_to > valid_from),
            CONSTRAINT ex__tax_rates__during EXCLUDE USING gist
                (tenant_id WITH =, jurisdiction WITH =,
                 (coalesce(location_id, '00000000-0000-0000-0000-000000000000'::uuid)) WITH =,
                 category WITH =, during WITH &&)
        )
        """
    )
    op.execute("CREATE INDEX ix__tax_rates__created_at ON tax_rates (tenant_id, created_at, id)")
    op.execute("CREATE INDEX ix__tax_rates__location_id ON tax_rates (tenant_id, location_id)")
    op.execute(
        "CREATE INDEX ix__tax_rates__category ON tax_rates (tenant_id, jurisdiction, category, valid_from)"
    )
    op.execute("ALTER TABLE tax_rates ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tax_rates FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY own_rows ON tax_rates TO mbs_tenant"
        " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON tax_rates TO mbs_tenant")


def downgrade() -> None:
    op.execute("DROP TABLE tax_rates")
    op.execute(
        "ALTER TABLE catalog_items DROP COLUMN tax_category, DROP COLUMN sac_hsn, DROP COLUMN supply_rule"
    )
    op.execute("ALTER TABLE customers DROP COLUMN tax_status, DROP COLUMN region_code")
    op.execute(
        "ALTER TABLE locations DROP COLUMN legal_name, DROP COLUMN tax_regime, DROP COLUMN invoice_prefix"
    )
