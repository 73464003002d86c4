"""How people come to belong to a business: they are invited by mail, and accept.

Table: `invitations`. Answers /api/invites and /api/auth/invites.
"""
