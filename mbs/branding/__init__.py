"""What a business's documents look like: its logo.

Table: logos. URLs: /api/tenant/logo. A picture is trusted with nothing: it is decoded, made smaller and
written anew before it is kept.
Permissions: settings:read, settings:write. Events: tenant.logo_updated.
"""
