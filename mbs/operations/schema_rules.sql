-- The rules of a migrated schema: each query lists what breaks its rule, read from the catalogue.
-- What comes before the first rule precedes every query; schema_rules.py binds the parameters.

WITH own AS (
    SELECT oid AS schema, nspname
    FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), relations AS (
    SELECT c.*, CASE nspname WHEN 'public' THEN relname ELSE nspname || '.' || relname END AS name
    FROM pg_class c JOIN own ON schema = relnamespace
    WHERE NOT EXISTS (
        SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e'
    )
), tables AS (
    SELECT r.oid, name, relrowsecurity AND relforcerowsecurity AS forced,
           name::text = ANY (:platform) AS platform,
           attnum AS tenant_column, attnotnull, atttypid, pg_get_expr(adbin, adrelid) AS tenant_default
    FROM relations r
    LEFT JOIN pg_attribute ON attrelid = r.oid AND attname = 'tenant_id' AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = r.oid AND adnum = attnum
    WHERE relkind IN ('r', 'p')
), tenant_tables AS (
    SELECT * FROM tables WHERE NOT platform
), policies AS (
    SELECT t.oid, name, name || '.' || polname AS full_name, polcmd, polpermissive, polroles,
           pg_get_expr(polqual, polrelid) AS visible, pg_get_expr(polwithcheck, polrelid) AS checked
    FROM pg_policy JOIN tables t ON t.oid = polrelid
), foreign_keys AS (
    SELECT k.*, source.tenant_column AS source_tenant, source.platform AS source_platform,
           target.name AS target, target.tenant_column AS target_tenant, target.platform AS target_platform
    FROM pg_constraint k
    JOIN tables source ON source.oid = conrelid
    JOIN tables target ON target.oid = confrelid
    WHERE contype = 'f'
), roles AS (
    SELECT * FROM pg_roles WHERE rolname::text = ANY (:roles)
)

-- rule tenant-column: has no `tenant_id uuid not null default app_tenant()`
SELECT name FROM tenant_tables
WHERE (attnotnull AND atttypid = 'uuid'::regtype AND tenant_default = 'app_tenant()') IS NOT TRUE

-- rule forced-row-security: row-level security is not enabled and forced
SELECT name FROM tables WHERE NOT forced AND (NOT platform OR name = ANY (:per_role))

-- rule platform-table-closed: the tenant role reaches this platform table, and no forced policy limits it
SELECT name FROM tables t JOIN roles r ON rolname = :tenant_role
WHERE platform AND NOT forced
  AND (has_table_privilege(r.oid, t.oid, 'DELETE')
       OR has_any_column_privilege(r.oid, t.oid, 'SELECT, INSERT, UPDATE'))

-- rule policy-missing: no policy has both USING and WITH CHECK
SELECT name FROM tenant_tables t
WHERE NOT EXISTS (
    SELECT FROM policies p
    WHERE p.oid = t.oid AND polpermissive AND visible IS NOT NULL AND checked IS NOT NULL
)

-- rule policy-per-role: a role has no policy of its own, or more than one
SELECT name || ' for ' || rolname FROM tables t CROSS JOIN roles r
WHERE name = ANY (:per_role)
  AND 1 <> (SELECT count(*) FROM policies p
             WHERE p.oid = t.oid AND polpermissive AND polroles = ARRAY [r.oid])

-- rule policy-unchecked: a policy for writing has no WITH CHECK
SELECT full_name FROM policies WHERE polcmd IN ('*', 'w', 'a') AND checked IS NULL

-- rule policy-open: a policy that applies to the tenant role does not compare with app_tenant()
SELECT full_name FROM policies
WHERE polpermissive AND name <> ALL (:through_others)
  AND (0::oid = ANY (polroles)
       OR EXISTS (SELECT FROM roles WHERE rolname = :tenant_role AND oid = ANY (polroles)))
  AND (strpos(coalesce(visible, 'app_tenant()'), 'app_tenant()') = 0
       OR strpos(coalesce(checked, 'app_tenant()'), 'app_tenant()') = 0)

-- rule primary-key: has no primary key that starts with tenant_id
SELECT name FROM tenant_tables t
WHERE NOT EXISTS (
    SELECT FROM pg_index WHERE indrelid = t.oid AND indisprimary AND indkey[0] = tenant_column
)

-- rule unique-index: a unique or exclusion index does not contain tenant_id
SELECT indexrelid::regclass FROM tenant_tables t JOIN pg_index ON indrelid = t.oid
WHERE (indisunique OR indisexclusion) AND (tenant_column = ANY (indkey)) IS NOT TRUE

-- rule foreign-key: a foreign key to a tenant's table does not carry tenant_id: it reaches other tenants' rows
SELECT conname FROM foreign_keys
WHERE NOT target_platform
  AND NOT EXISTS (
      SELECT FROM unnest(conkey, confkey) AS pair (source, target)
      WHERE pair.source = source_tenant AND pair.target = target_tenant
  )

-- rule foreign-key-to-tenants: a foreign key to tenants starts from another column than tenant_id
SELECT conname FROM foreign_keys
WHERE target = 'tenants' AND NOT source_platform AND (conkey = ARRAY [source_tenant]) IS NOT TRUE

-- rule platform-foreign-key: a platform table points at a tenant's table, which Citus cannot distribute
SELECT conname FROM foreign_keys WHERE source_platform AND NOT target_platform

-- rule foreign-key-nulls-tenant: ON DELETE SET NULL would empty tenant_id; name the columns to empty
SELECT conname FROM foreign_keys
WHERE confdeltype IN ('n', 'd') AND source_tenant = ANY (coalesce(confdelsetcols, conkey))

-- rule materialized-view: a materialized view ignores row-level security and the service may read it
SELECT DISTINCT name FROM relations v CROSS JOIN roles r
WHERE relkind = 'm' AND has_any_column_privilege(r.oid, v.oid, 'SELECT')

-- rule view-invoker: a view runs with its owner's rights; make it WITH (security_invoker = true)
SELECT name FROM relations
WHERE relkind = 'v'
  AND NOT coalesce(reloptions && ARRAY ['security_invoker=true', 'security_invoker=on'], false)

-- rule definer-function: a SECURITY DEFINER function is not on the list, or does not pin its search_path
SELECT p.oid::regprocedure FROM pg_proc p JOIN own ON schema = pronamespace
WHERE prosecdef
  AND (proname::text <> ALL (:definers)
       OR NOT EXISTS (SELECT FROM unnest(proconfig) AS setting WHERE setting LIKE 'search_path=%'))
  AND NOT EXISTS (
      SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e'
  )

-- rule trigger: a trigger is not on the list of those that scale-out has to work around
SELECT name || '.' || tgname FROM pg_trigger JOIN tables t ON t.oid = tgrelid
WHERE NOT tgisinternal AND name || '.' || tgname <> ALL (:triggers)

-- rule invalid-index: an interrupted CREATE INDEX CONCURRENTLY left the index invalid
SELECT name FROM pg_index JOIN relations r ON r.oid = indexrelid WHERE NOT indisvalid

-- rule role-missing: the service's role does not exist
SELECT wanted FROM unnest(CAST(:roles AS text[])) AS wanted
WHERE NOT EXISTS (SELECT FROM roles WHERE rolname = wanted)

-- rule role-privileged: the service's role has an attribute, a membership or a schema right it must not have
SELECT rolname FROM roles r
WHERE rolsuper OR rolbypassrls OR rolcanlogin OR rolcreaterole OR rolcreatedb OR rolreplication
   OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid)
   OR EXISTS (SELECT FROM own WHERE has_schema_privilege(r.oid, schema, 'CREATE'))

-- rule role-owner: the service's role owns something in this database
SELECT rolname FROM roles r
WHERE EXISTS (
    SELECT FROM pg_shdepend
    WHERE refclassid = 'pg_authid'::regclass AND refobjid = r.oid AND deptype = 'o'
      AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
)

-- rule role-table-rights: the service's roles need neither TRUNCATE nor REFERENCES nor TRIGGER
SELECT name || ' for ' || rolname FROM tables t CROSS JOIN roles r
WHERE has_table_privilege(r.oid, t.oid, 'TRUNCATE, REFERENCES, TRIGGER')

-- rule public-rights: everybody has rights on this; grant them to the service's roles instead
SELECT DISTINCT name FROM relations, aclexplode(relacl)
WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND grantee = 0

-- rule append-only: a role may change or delete rows of this append-only table
SELECT name || ' for ' || rolname FROM tables t CROSS JOIN roles r
WHERE name = ANY (:append_only)
  AND (has_any_column_privilege(r.oid, t.oid, 'UPDATE') OR has_table_privilege(r.oid, t.oid, 'DELETE'))
