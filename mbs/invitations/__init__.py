"""How people come to belong to a business: they are invited by mail, and accept.

Table: invitations. URLs: /api/invites, /api/auth/invites.
Permissions: team:read, team:invite.
"""
