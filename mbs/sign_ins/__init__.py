"""A person's signed-in sessions: where they are, ending them, and proving again who one is.

No tables. The auth room's sessions are what this is about.
URLs: /api/auth/logout, /api/auth/logout-all, /api/auth/sessions, /api/auth/step-up,
/api/members/{member_id}/sessions. Permissions: security:write.
"""
