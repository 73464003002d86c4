"""What a business's documents look like: its logo.

Table: logos. URLs: /api/tenant/logo.
Permissions: settings:read, settings:write.
"""
