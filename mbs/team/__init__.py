"""Who works for a business and as what: its members, and the roles that it composes itself.

Tables: `memberships` and `roles`, which the tenants room declares. Answers /api/members and /api/roles.
"""
