"""Whether a customer may be written to, when and in which language.

Tables: consents, suppressions, contact_preferences, usage_counters.
URLs: /api/customers (.../{id}/consents, .../{id}/preferences), /api/suppressions, /api/usage.
Permissions: customers:read (or read:own), customers:write, notifications:read, notifications:write,
settings:read.
"""
