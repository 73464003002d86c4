"""People and their signed-in sessions: register, log in, refresh, log out, who am I, which business.

Tables: users, login_sessions. URLs: /api/auth/*, /api/context.
`app.py` hands its caller look-up (`repository.SessionFinder`) to the foundation: one question a request.
"""
