"""Who works for a business and as what: its members, and the roles that it composes itself.

No tables. Those of members and roles are declared in the tenants room. URLs: /api/members, /api/roles.
Permissions: team:read, team:roles.
"""
