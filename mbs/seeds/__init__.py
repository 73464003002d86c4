"""Believable demo businesses, in development and test alone: everywhere else these paths are blocked.

No tables. URL: /api/seed/{preset}.
Permission: settings:write.
"""
