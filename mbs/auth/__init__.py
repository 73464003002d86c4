"""People and how their sessions begin: register, log in, refresh, switch the business.

Tables: users, login_sessions. URLs: /api/auth/*.
`app.py` hands its caller look-up (`repository.SessionFinder`) to the foundation: one question a request.
"""
