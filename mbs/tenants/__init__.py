"""A business and what belongs to it as such: profile, settings, memberships, roles.

Tables: tenants, memberships, roles. URLs: /api/tenant, /api/tenant/settings, /api/tenants.
Permissions: settings:read, settings:write.
"""
