"""Create what a business offers, and the people, rooms and things that it takes to do it."""

from alembic import op

revision = "0021"
down_revision = "0020"
phase = "expand"
release = "0.1.0"
waivers = {
    "prefer-bigint-over-smallint": "a CHECK keeps each of them far below the limit",
    "prefer-bigint-over-int": "minutes of a day, positions and counts, which stay far below the limit",
}


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE resources (
            tenant_id         uuid        NOT NULL DEFAULT app_tenant(),
            id                uuid        NOT NULL,
            kind              text        NOT NULL,
            name              text        NOT NULL,
            name_key          text        NOT NULL COLLATE "C",
            location_id       uuid        NOT NULL,
            member_id         uuid,
            parent_id         uuid,
            capacity          smallint    NOT NULL DEFAULT 1,
            bookable_capacity smallint    NOT NULL DEFAULT 1,
            tags              text[]      NOT NULL DEFAULT '{}',
            color             text,
            active            boolean     NOT NULL DEFAULT true,
            created_by        uuid        NOT NULL DEFAULT app_actor(),
            version           bigint      NOT NULL DEFAULT 1,
            created_at        timestamptz NOT NULL DEFAULT now(),
            updated_at        timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__resources PRIMARY KEY (tenant_id, id),
            -- What an allocation refers to, so that a capacity below what is taken cannot be written.
            CONSTRAINT uq__resources__tenant_id__id__capacity UNIQUE (tenant_id, id, capacity),
            CONSTRAINT fk__resources__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__resources__tenant_id__location_id
                FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id),
            CONSTRAINT fk__resources__tenant_id__member_id
                FOREIGN KEY (tenant_id, member_id) REFERENCES memberships (tenant_id, id)
                ON DELETE SET NULL (member_id),
            CONSTRAINT fk__resources__tenant_id__parent_id
                FOREIGN KEY (tenant_id, parent_id) REFERENCES resources (tenant_id, id),
            CONSTRAINT ck__resources__kind
                CHECK (kind IN ('staff', 'room', 'bed', 'desk', 'vehicle', 'equipment', 'session')),
            CONSTRAINT ck__resources__capacity CHECK (capacity BETWEEN 1 AND 500),
            CONSTRAINT ck__resources__bookable_capacity CHECK (bookable_capacity BETWEEN 0 AND capacity),
            CONSTRAINT ck__resources__parent_id CHECK (parent_id <> id),
            CONSTRAINT ck__resources__member_id CHECK (member_id IS NULL OR kind = 'staff')
        )
        """
    )
    op.execute("CREATE INDEX ix__resources__name_key ON resources (tenant_id, name_key, id)")
    op.execute("CREATE INDEX ix__resources__location_id ON resources (tenant_id, location_id)")
    op.execute("CREATE UNIQUE INDEX uq__resources__member_id ON resources (tenant_id, member_id)")
    op.execute("CREATE INDEX ix__resources__parent_id ON resources (tenant_id, parent_id)")
    op.execute(
        """
        CREATE TABLE catalog_items (
            tenant_id         uuid           NOT NULL DEFAULT app_tenant(),
            id                uuid           NOT NULL,
            type              text           NOT NULL DEFAULT 'service',
            mode              text           NOT NULL DEFAULT 'appointment',
            name              text           NOT NULL,
            name_key          text           NOT NULL COLLATE "C",
            description       text,
            category          text,
            price             numeric(19, 4) NOT NULL,
            currency          text           NOT NULL,
            price_unit        text           NOT NULL DEFAULT 'booking',
            duration_min      integer,
            buffer_before_min integer        NOT NULL DEFAULT 0,
            buffer_after_min  integer        NOT NULL DEFAULT 0,
            slot_interval_min integer,
            segments          jsonb          NOT NULL DEFAULT '[]',
            policy            jsonb          NOT NULL DEFAULT '{}',
            max_capacity      smallint       NOT NULL DEFAULT 1,
            sort_order        integer        NOT NULL DEFAULT 0,
            active            boolean        NOT NULL DEFAULT true,
            created_by        uuid           NOT NULL DEFAULT app_actor(),
            version           bigint         NOT NULL DEFAULT 1,
            created_at        timestamptz    NOT NULL DEFAULT now(),
            updated_at        timestamptz    NOT NULL DEFAULT now(),
            CONSTRAINT pk__catalog_items PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk__catalog_items__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT ck__catalog_items__type CHECK (type = 'service'),
            CONSTRAINT ck__catalog_items__mode CHECK (mode IN ('appointment', 'session', 'stay')),
            CONSTRAINT ck__catalog_items__price CHECK (price >= 0),
            CONSTRAINT ck__catalog_items__price_unit
                CHECK (price_unit IN ('booking', 'person', 'hour', 'day', 'night', 'week', 'month', 'unit')),
            -- A stay lasts as long as its guest wants it to, everything else as long as the service says.
            CONSTRAINT ck__catalog_items__duration_min
                CHECK (CASE mode WHEN 'stay' THEN duration_min IS NULL
                       ELSE duration_min IS NOT NULL AND duration_min BETWEEN 1 AND 1440 END),
            CONSTRAINT ck__catalog_items__buffers
                CHECK (buffer_before_min BETWEEN 0 AND 1440 AND buffer_after_min BETWEEN 0 AND 1440),
            CONSTRAINT ck__catalog_items__slot_interval_min CHECK (slot_interval_min BETWEEN 1 AND 1440),
            CONSTRAINT ck__catalog_items__max_capacity CHECK (max_capacity BETWEEN 1 AND 500)
        )
        """
    )
    op.execute("CREATE INDEX ix__catalog_items__sort_order ON catalog_items (tenant_id, sort_order, id)")
    op.execute("CREATE INDEX ix__catalog_items__name_key ON catalog_items (tenant_id, name_key, id)")
    op.execute("CREATE INDEX ix__catalog_items__price ON catalog_items (tenant_id, price, id)")
    op.execute(
        """
        CREATE TABLE item_resources (
            tenant_id       uuid NOT NULL DEFAULT app_tenant(),
            catalog_item_id uuid NOT NULL,
            resource_id     uuid NOT NULL,
            price           numeric(19, 4),
            duration_min    integer,
            CONSTRAINT pk__item_resources PRIMARY KEY (tenant_id, catalog_item_id, resource_id),
            CONSTRAINT fk__item_resources__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__item_resources__tenant_id__catalog_item_id
                FOREIGN KEY (tenant_id, catalog_item_id) REFERENCES catalog_items (tenant_id, id)
                ON DELETE CASCADE,
            CONSTRAINT fk__item_resources__tenant_id__resource_id
                FOREIGN KEY (tenant_id, resource_id) REFERENCES resources (tenant_id, id)
                ON DELETE CASCADE,
            CONSTRAINT ck__item_resources__price CHECK (price >= 0),
            CONSTRAINT ck__item_resources__duration_min CHECK (duration_min BETWEEN 1 AND 1440)
        )
        """
    )
    op.execute("CREATE INDEX ix__item_resources__resource_id ON item_resources (tenant_id, resource_id)")
    for table in ("resources", "catalog_items", "item_resources"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} TO mbs_tenant"
            " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO mbs_tenant")


def downgrade() -> None:
    for table in ("item_resources", "catalog_items", "resources"):
        op.execute(f"DROP TABLE {table}")
