"""People and their signed-in sessions: register, log in, refresh, log out, who am I, which business.

Tables: users, login_sessions. URLs: /api/auth/*, /api/context.
Hands the foundation its caller look-up (`AuthRepository.find_caller` through `app.py`).
"""
