"""What becomes of an account: forgotten and changed passwords, verified and changed addresses.

Table: `one_time_tokens`. Answers /api/auth/forgot-password, /api/auth/reset-password,
/api/auth/change-password, /api/auth/verify-email and /api/auth/change-email.
"""
