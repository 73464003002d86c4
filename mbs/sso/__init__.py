"""Signing in with an identity at an OpenID provider.

Tables: external_identities, sso_flows. URLs: /api/auth/sso.
"""
