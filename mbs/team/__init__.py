"""Who works for a business and as what: members, invitations, and the roles it composes itself.

Tables: `invitations`, `roles`. Answers /api/members, /api/invites, /api/roles and /api/auth/invites.
"""
