"""Create bookings, group classes with their waiting lists, and what both take of resources.

An allocation takes one numbered slot of one resource: a bed, a seat, or slot 1 of a person. The exclusion
constraint is the backstop behind the lock that the program takes on the resource first. Calendars are
searched by plain comparisons on `starts_at` and `ends_at`, because `&&` is not leakproof and reaches no
index under row-level security.
"""

from alembic import op

revision = "0023"
down_revision = "0022"
phase = "expand"
release = "0.1.0"
waivers = {
    "prefer-bigint-over-smallint": "a CHECK keeps each of them far below the limit",
    "prefer-bigint-over-int": "minutes of a day, positions and counts, which stay far below the limit",
}

TABLES = ("sessions", "bookings", "booking_items", "allocations", "waitlist_entries")


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute(
        """
        CREATE TABLE sessions (
            tenant_id       uuid        NOT NULL DEFAULT app_tenant(),
            id              uuid        NOT NULL,
            catalog_item_id uuid        NOT NULL,
            location_id     uuid        NOT NULL,
            series_id       uuid,
            start_at        timestamptz NOT NULL,
            end_at          timestamptz NOT NULL,
            status          text        NOT NULL DEFAULT 'scheduled',
            notes           text,
            created_by      uuid        NOT NULL DEFAULT app_actor(),
            version         bigint      NOT NULL DEFAULT 1,
            created_at      timestamptz NOT NULL DEFAULT now(),
            updated_at      timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__sessions PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk__sessions__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            -- A class is a resource too: its slots are its seats.
            CONSTRAINT fk__sessions__tenant_id__id
                FOREIGN KEY (tenant_id, id) REFERENCES resources (tenant_id, id),
            CONSTRAINT fk__sessions__tenant_id__catalog_item_id
                FOREIGN KEY (tenant_id, catalog_item_id) REFERENCES catalog_items (tenant_id, id),
            CONSTRAINT fk__sessions__tenant_id__location_id
                FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id),
            CONSTRAINT ck__sessions__status CHECK (status IN ('scheduled', 'cancelled', 'completed')),
            CONSTRAINT ck__sessions__end_at
                CHECK (end_at > start_at AND end_at - start_at <= interval '24 hours')
        )
        """
    )
    op.execute("CREATE INDEX ix__sessions__start_at ON sessions (tenant_id, start_at, id)")
    op.execute(
        "CREATE INDEX ix__sessions__catalog_item_id ON sessions (tenant_id, catalog_item_id, start_at)"
    )
    op.execute("CREATE INDEX ix__sessions__series_id ON sessions (tenant_id, series_id, start_at, id)")
    op.execute("CREATE INDEX ix__sessions__location_id ON sessions (tenant_id, location_id)")
    op.execute(
        """
        CREATE TABLE bookings (
            tenant_id         uuid           NOT NULL DEFAULT app_tenant(),
            id                uuid           NOT NULL,
            reference         text           NOT NULL COLLATE "C",
            customer_id       uuid           NOT NULL,
            location_id       uuid           NOT NULL,
            session_id        uuid,
            mode              text           NOT NULL,
            status            text           NOT NULL,
            start_at          timestamptz    NOT NULL,
            end_at            timestamptz    NOT NULL,
            timezone          text           NOT NULL,
            party_size        smallint       NOT NULL DEFAULT 1,
            source            text           NOT NULL,
            amount            numeric(19, 4) NOT NULL,
            currency          text           NOT NULL,
            deposit_due       numeric(19, 4) NOT NULL DEFAULT 0,
            fee               numeric(19, 4) NOT NULL DEFAULT 0,
            fee_reason        text,
            notes             text,
            internal_notes    text,
            expires_at        timestamptz,
            reschedule_count  integer        NOT NULL DEFAULT 0,
            status_changed_at timestamptz    NOT NULL DEFAULT now(),
            cancelled_at      timestamptz,
            cancelled_by      text,
            cancel_reason     text,
            -- Few bookings are long, and a calendar must look far back for those alone.
            long              boolean        NOT NULL
                GENERATED ALWAYS AS (end_at - start_at > interval '24 hours') STORED,
            created_by        uuid           NOT NULL DEFAULT app_actor(),
            version           bigint         NOT NULL DEFAULT 1,
            created_at        timestamptz    NOT NULL DEFAULT now(),
            updated_at        timestamptz    NOT NULL DEFAULT now(),
            CONSTRAINT pk__bookings PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__bookings__tenant_id__reference UNIQUE (tenant_id, reference),
            CONSTRAINT fk__bookings__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__bookings__tenant_id__customer_id
                FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
            CONSTRAINT fk__bookings__tenant_id__location_id
                FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id),
            CONSTRAINT fk__bookings__tenant_id__session_id
                FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id),
            CONSTRAINT ck__bookings__mode CHECK (mode IN ('appointment', 'session', 'stay')),
            CONSTRAINT ck__bookings__session_id CHECK ((mode = 'session') = (session_id IS NOT NULL)),
            CONSTRAINT ck__bookings__status
                CHECK (status IN ('held', 'pending', 'confirmed', 'checked_in', 'completed',
                                  'cancelled', 'declined', 'expired', 'no_show')),
            CONSTRAINT ck__bookings__end_at CHECK (end_at > start_at),
            CONSTRAINT ck__bookings__party_size CHECK (party_size BETWEEN 1 AND 500),
            CONSTRAINT ck__bookings__source CHECK (source IN ('staff', 'portal', 'api', 'import')),
            CONSTRAINT ck__bookings__amounts CHECK (amount >= 0 AND deposit_due >= 0 AND fee >= 0),
            CONSTRAINT ck__bookings__expires_at
                CHECK (status NOT IN ('held', 'pending') OR expires_at IS NOT NULL),
            CONSTRAINT ck__bookings__cancelled_by
                CHECK (cancelled_by IN ('customer', 'business', 'system')),
            CONSTRAINT ck__bookings__cancelled_at CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
            CONSTRAINT ck__bookings__fee_reason CHECK (fee_reason IN ('late_cancel', 'no_show'))
        )
        """
    )
    # The end stands in it too, so that a calendar passes over what was over before without reading the rows.
    op.execute("CREATE INDEX ix__bookings__start_at ON bookings (tenant_id, start_at, id, end_at)")
    op.execute("CREATE INDEX ix__bookings__created_at ON bookings (tenant_id, created_at, id)")
    op.execute("CREATE INDEX ix__bookings__updated_at ON bookings (tenant_id, updated_at)")
    op.execute("CREATE INDEX ix__bookings__created_by ON bookings (tenant_id, created_by, id)")
    op.execute("CREATE INDEX ix__bookings__customer_id ON bookings (tenant_id, customer_id, start_at, id)")
    op.execute("CREATE INDEX ix__bookings__session_id ON bookings (tenant_id, session_id)")
    op.execute("CREATE INDEX ix__bookings__location_id ON bookings (tenant_id, location_id)")
    op.execute("CREATE INDEX ix__bookings__long ON bookings (tenant_id, end_at, start_at) WHERE long")
    op.execute(
        "CREATE INDEX ix__bookings__expires_at ON bookings (tenant_id, expires_at)"
        " WHERE status IN ('held', 'pending')"
    )
    op.execute(
        """
        CREATE TABLE booking_items (
            tenant_id       uuid           NOT NULL DEFAULT app_tenant(),
            id              uuid           NOT NULL,
            booking_id      uuid           NOT NULL,
            position        smallint       NOT NULL,
            catalog_item_id uuid           NOT NULL,
            name            text           NOT NULL,
            quantity        numeric(12, 3) NOT NULL,
            unit_price      numeric(19, 4) NOT NULL,
            price_unit      text           NOT NULL,
            amount          numeric(19, 4) NOT NULL,
            start_at        timestamptz    NOT NULL,
            end_at          timestamptz    NOT NULL,
            CONSTRAINT pk__booking_items PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__booking_items__tenant_id__booking_id__position
                UNIQUE (tenant_id, booking_id, position),
            CONSTRAINT fk__booking_items__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__booking_items__tenant_id__booking_id
                FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings (tenant_id, id),
            CONSTRAINT fk__booking_items__tenant_id__catalog_item_id
                FOREIGN KEY (tenant_id, catalog_item_id) REFERENCES catalog_items (tenant_id, id),
            CONSTRAINT ck__booking_items__end_at CHECK (end_at > start_at),
            CONSTRAINT ck__booking_items__quantity CHECK (quantity > 0),
            CONSTRAINT ck__booking_items__amounts CHECK (unit_price >= 0 AND amount >= 0)
        )
        """
    )
    op.execute(
        "CREATE INDEX ix__booking_items__catalog_item_id"
        " ON booking_items (tenant_id, catalog_item_id, start_at)"
    )
    op.execute(
        """
        CREATE TABLE allocations (
            tenant_id   uuid        NOT NULL DEFAULT app_tenant(),
            id          uuid        NOT NULL,
            booking_id  uuid,
            session_id  uuid,
            item_no     smallint    NOT NULL DEFAULT 1,
            segment_no  smallint    NOT NULL DEFAULT 1,
            resource_id uuid        NOT NULL,
            kind        text        NOT NULL,
            capacity    smallint    NOT NULL,
            slot_no     smallint    NOT NULL,
            starts_at   timestamptz NOT NULL,
            ends_at     timestamptz NOT NULL,
            during      tstzrange   NOT NULL GENERATED ALWAYS AS (tstzrange(starts_at, ends_at)) STORED,
            state       text        NOT NULL DEFAULT 'active',
            expires_at  timestamptz,
            CONSTRAINT pk__allocations PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk__allocations__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__allocations__tenant_id__booking_id
                FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings (tenant_id, id),
            CONSTRAINT fk__allocations__tenant_id__session_id
                FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id),
            -- A capacity that shrinks is written here too, where a slot above it stops it.
            CONSTRAINT fk__allocations__tenant_id__resource_id__capacity
                FOREIGN KEY (tenant_id, resource_id, capacity) REFERENCES resources (tenant_id, id, capacity)
                ON UPDATE CASCADE,
            CONSTRAINT ck__allocations__owner CHECK (num_nonnulls(booking_id, session_id) = 1),
            CONSTRAINT ck__allocations__state CHECK (state IN ('held', 'active', 'released')),
            CONSTRAINT ck__allocations__expires_at CHECK ((state = 'held') = (expires_at IS NOT NULL)),
            CONSTRAINT ck__allocations__slot CHECK (state = 'released' OR slot_no BETWEEN 1 AND capacity),
            CONSTRAINT ck__allocations__ends_at CHECK (ends_at > starts_at),
            CONSTRAINT ex__allocations__slot EXCLUDE USING gist
                (tenant_id WITH =, resource_id WITH =, slot_no WITH =, during WITH &&)
                WHERE (state <> 'released')
        )
        """
    )
    op.execute("CREATE INDEX ix__allocations__booking_id ON allocations (tenant_id, booking_id)")
    op.execute("CREATE INDEX ix__allocations__session_id ON allocations (tenant_id, session_id)")
    op.execute(
        "CREATE INDEX ix__allocations__resource_id"
        " ON allocations (tenant_id, resource_id, ends_at, starts_at) WHERE state <> 'released'"
    )
    op.execute("CREATE INDEX ix__allocations__capacity ON allocations (tenant_id, resource_id, capacity)")
    op.execute(
        "CREATE INDEX ix__allocations__expires_at ON allocations (tenant_id, resource_id, expires_at)"
        " WHERE state = 'held'"
    )
    op.execute(
        """
        CREATE TABLE waitlist_entries (
            tenant_id        uuid        NOT NULL DEFAULT app_tenant(),
            id               uuid        NOT NULL,
            session_id       uuid        NOT NULL,
            customer_id      uuid        NOT NULL,
            party_size       smallint    NOT NULL DEFAULT 1,
            status           text        NOT NULL DEFAULT 'waiting',
            booking_id       uuid,
            offer_expires_at timestamptz,
            created_by       uuid        NOT NULL DEFAULT app_actor(),
            version          bigint      NOT NULL DEFAULT 1,
            -- Of two who join at once the one who got the lock first was first, whoever began earlier.
            created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
            updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
            CONSTRAINT pk__waitlist_entries PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk__waitlist_entries__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__waitlist_entries__tenant_id__session_id
                FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id),
            CONSTRAINT fk__waitlist_entries__tenant_id__customer_id
                FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
            CONSTRAINT fk__waitlist_entries__tenant_id__booking_id
                FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings (tenant_id, id),
            CONSTRAINT ck__waitlist_entries__party_size CHECK (party_size BETWEEN 1 AND 500),
            CONSTRAINT ck__waitlist_entries__status
                CHECK (status IN ('waiting', 'offered', 'accepted', 'expired', 'left'))
        )
        """
    )
    op.execute(
        "CREATE INDEX ix__waitlist_entries__session_id"
        " ON waitlist_entries (tenant_id, session_id, created_at, id)"
    )
    op.execute("CREATE INDEX ix__waitlist_entries__customer_id ON waitlist_entries (tenant_id, customer_id)")
    op.execute("CREATE INDEX ix__waitlist_entries__booking_id ON waitlist_entries (tenant_id, booking_id)")
    op.execute(
        "CREATE UNIQUE INDEX uq__waitlist_entries__open"
        " ON waitlist_entries (tenant_id, session_id, customer_id) WHERE status IN ('waiting', 'offered')"
    )
    op.execute(
        """
        CREATE FUNCTION refuse_illegal_booking_status() RETURNS trigger
        LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            IF NEW.status <> OLD.status AND NOT (CASE OLD.status
                WHEN 'held' THEN NEW.status IN ('confirmed', 'pending', 'expired')
                WHEN 'pending' THEN NEW.status IN ('confirmed', 'declined', 'cancelled', 'expired')
                WHEN 'confirmed' THEN NEW.status IN ('checked_in', 'completed', 'cancelled', 'no_show')
                WHEN 'checked_in' THEN NEW.status IN ('completed', 'cancelled')
                WHEN 'no_show' THEN NEW.status = 'confirmed'
                ELSE false
            END) THEN
                RAISE EXCEPTION 'a booking does not go from % to %', OLD.status, NEW.status
                    USING ERRCODE = 'MB002';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER legal_status BEFORE UPDATE OF status ON bookings"
        " FOR EACH ROW EXECUTE FUNCTION refuse_illegal_booking_status()"
    )
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} TO mbs_tenant"
            " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO mbs_tenant")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION refuse_illegal_booking_status()")
    op.execute("DROP EXTENSION btree_gist")
