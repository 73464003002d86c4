"""A business and what belongs to it as such: profile, settings, memberships, locations, roles.

Tables: tenants, memberships, locations. URLs: /api/tenant, /api/tenant/settings, /api/tenants.
Permissions: settings:read, settings:write.
"""
