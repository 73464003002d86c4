"""The places where a business works, each with its time zone, country and tax registration.

Table: locations. URLs: /api/locations, /api/locations/{id}.
Permissions: settings:read, settings:write.
"""
