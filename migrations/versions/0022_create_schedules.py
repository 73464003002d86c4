"""Create the hours of people and places: weekly schedules, the days that differ, and time off.

Local times stay local here: minutes of a day. They become instants in one place of the program, which
knows the time zone, because PostgreSQL and Python disagree on times that a change of the clock repeats.
"""

from alembic import op

revision = "0022"
down_revision = "0021"
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE schedules (
            tenant_id   uuid        NOT NULL DEFAULT app_tenant(),
            id          uuid        NOT NULL,
            resource_id uuid,
            location_id uuid,
            timezone    text,
            week        jsonb,
            version     bigint      NOT NULL DEFAULT 1,
            created_at  timestamptz NOT NULL DEFAULT now(),
            updated_at  timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__schedules PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__schedules__tenant_id__resource_id UNIQUE (tenant_id, resource_id),
            CONSTRAINT uq__schedules__tenant_id__location_id UNIQUE (tenant_id, location_id),
            CONSTRAINT fk__schedules__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__schedules__tenant_id__resource_id
                FOREIGN KEY (tenant_id, resource_id) REFERENCES resources (tenant_id, id) ON DELETE CASCADE,
            CONSTRAINT fk__schedules__tenant_id__location_id
                FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id) ON DELETE CASCADE,
            CONSTRAINT ck__schedules__owner CHECK (num_nonnulls(resource_id, location_id) = 1)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE schedule_exceptions (
            tenant_id   uuid        NOT NULL DEFAULT app_tenant(),
            id          uuid        NOT NULL,
            resource_id uuid,
            location_id uuid,
            on_date     date        NOT NULL,
            windows     jsonb       NOT NULL,
            reason      text,
            version     bigint      NOT NULL DEFAULT 1,
            created_at  timestamptz NOT NULL DEFAULT now(),
            updated_at  timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__schedule_exceptions PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__schedule_exceptions__tenant_id__resource_id__on_date
                UNIQUE (tenant_id, resource_id, on_date),
            CONSTRAINT uq__schedule_exceptions__tenant_id__location_id__on_date
                UNIQUE (tenant_id, location_id, on_date),
            CONSTRAINT fk__schedule_exceptions__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__schedule_exceptions__tenant_id__resource_id
                FOREIGN KEY (tenant_id, resource_id) REFERENCES resources (tenant_id, id) ON DELETE CASCADE,
            CONSTRAINT fk__schedule_exceptions__tenant_id__location_id
                FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id) ON DELETE CASCADE,
            CONSTRAINT ck__schedule_exceptions__owner CHECK (num_nonnulls(resource_id, location_id) = 1)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE time_off (
            tenant_id   uuid        NOT NULL DEFAULT app_tenant(),
            id          uuid        NOT NULL,
            resource_id uuid,
            location_id uuid,
            starts_at   timestamptz NOT NULL,
            ends_at     timestamptz NOT NULL,
            reason      text,
            created_by  uuid        NOT NULL DEFAULT app_actor(),
            version     bigint      NOT NULL DEFAULT 1,
            created_at  timestamptz NOT NULL DEFAULT now(),
            updated_at  timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__time_off PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk__time_off__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__time_off__tenant_id__resource_id
                FOREIGN KEY (tenant_id, resource_id) REFERENCES resources (tenant_id, id) ON DELETE CASCADE,
            CONSTRAINT fk__time_off__tenant_id__location_id
                FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id) ON DELETE CASCADE,
            CONSTRAINT ck__time_off__owner CHECK (num_nonnulls(resource_id, location_id) = 1),
            CONSTRAINT ck__time_off__ends_at CHECK (ends_at > starts_at)
        )
        """
    )
    op.execute("CREATE INDEX ix__time_off__resource_id ON time_off (tenant_id, resource_id, ends_at)")
    op.execute("CREATE INDEX ix__time_off__location_id ON time_off (tenant_id, location_id, ends_at)")
    for table in ("schedules", "schedule_exceptions", "time_off"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} TO mbs_tenant"
            " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO mbs_tenant")


def downgrade() -> None:
    for table in ("time_off", "schedule_exceptions", "schedules"):
        op.execute(f"DROP TABLE {table}")
