"""A person's own account: who am I, where do I work; forgotten and changed passwords and addresses.

Table: one_time_tokens. URLs: /api/auth/me, /api/context, /api/auth/forgot-password, /api/auth/reset-password,
/api/auth/change-password, /api/auth/verify-email, /api/auth/change-email.
"""
