"""The second factor of a person: codes of an authenticator app (TOTP), and recovery codes.

Tables: second_factors, recovery_codes. URLs: /api/auth/second-factor.
"""
