"""Create the functions that every request asks about its credential; 0007 says why they are functions.

They stand beside `find_caller`, which the previous release still asks while it is replaced. A business's
state, which they look at, is changed by operators' commands alone: no tenant may.
"""

from alembic import op

revision = "0019"
down_revision = "0018"
phase = "expand"
release = "0.1.0"

# Nulls when session, person or membership no longer stands, or the business is closed. `stale` tells that
# the time of last use should be noted again: not at every request, because that would be a write.
FIND_SESSION = """
CREATE FUNCTION find_session(
    session_id uuid, person_id uuid, business_id uuid, session_kind text,
    OUT role text, OUT permissions text[], OUT tenant_status text, OUT seconds_since_proof double precision,
    OUT second_factor boolean, OUT second_factor_demanded boolean, OUT stale boolean)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    SELECT membership.role,
           own_role.permissions,
           tenant.status,
           extract(epoch FROM now() - session.authenticated_at),
           EXISTS (
               SELECT FROM second_factors factor
               WHERE factor.user_id = session.user_id AND factor.confirmed_at IS NOT NULL),
           coalesce(
               tenant.settings -> 'security' ->> 'secondFactor' = 'required'
               AND (membership.role IN ('owner', 'admin')
                    OR own_role.permissions && ARRAY['team:roles', 'security:write', 'apiKeys:write']),
               false),
           session.last_used_at < now() - interval '5 minutes'
    FROM login_sessions session
    JOIN users person ON person.id = session.user_id
    JOIN memberships membership
      ON membership.tenant_id = session.tenant_id AND membership.user_id = session.user_id
    JOIN tenants tenant ON tenant.id = session.tenant_id
    LEFT JOIN roles own_role
      ON own_role.tenant_id = membership.tenant_id AND own_role.id = membership.role_id
    WHERE session.id = session_id AND session.user_id = person_id AND session.tenant_id = business_id
      AND session.kind = session_kind
      AND session.revoked_at IS NULL AND session.idle_until > now() AND session.absolute_until > now()
      AND person.status = 'active' AND membership.status = 'active' AND tenant.status <> 'closed'
    INTO role, permissions, tenant_status, seconds_since_proof, second_factor, second_factor_demanded,
        stale;
END
$$
"""

FIND_API_KEY = """
CREATE FUNCTION find_api_key(
    business_id uuid, key_prefix text, key_digest text,
    OUT key_id uuid, OUT scopes text[], OUT tenant_status text, OUT stale boolean)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    SELECT key.id, key.scopes, tenant.status,
           coalesce(key.last_used_at < now() - interval '5 minutes', true)
    FROM api_keys key
    JOIN tenants tenant ON tenant.id = key.tenant_id
    WHERE key.tenant_id = business_id AND key.prefix = key_prefix AND key.digest = key_digest
      AND key.revoked_at IS NULL AND (key.expires_at IS NULL OR key.expires_at > now())
      AND tenant.status <> 'closed'
    INTO key_id, scopes, tenant_status, stale;
END
$$
"""


def upgrade() -> None:
    op.execute(FIND_SESSION)
    op.execute(FIND_API_KEY)
    op.execute("GRANT UPDATE (status, version, updated_at) ON tenants TO mbs_identity")


def downgrade() -> None:
    op.execute("REVOKE UPDATE (status, version, updated_at) ON tenants FROM mbs_identity")
    op.execute("DROP FUNCTION find_api_key(uuid, text, text)")
    op.execute("DROP FUNCTION find_session(uuid, uuid, uuid, text)")
