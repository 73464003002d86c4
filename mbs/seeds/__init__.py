"""Believable demo businesses, in development and test alone: everywhere else these paths are blocked.

URL: POST /api/seed/{preset}. Permission: settings:write.
"""
