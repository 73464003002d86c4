"""A person's signed-in sessions: where they are, ending them, and proving again who one is.

Table: login_sessions, which is the auth room's. Answers /api/auth/logout, /api/auth/logout-all,
/api/auth/sessions, /api/auth/step-up and /api/members/{id}/sessions.
"""
