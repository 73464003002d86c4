"""The places where a business works, each with its time zone, country and tax registration.

Table: `locations`. Answers /api/locations.
"""
