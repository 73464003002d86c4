"""A person's own account: who am I, where do I work, and (to come) passwords and addresses.

Table: one_time_tokens. URLs: /api/auth/me, /api/context.
"""
