"""Finding a booking its place and taking it: making, holding, converting and moving bookings.

No tables. URLs: /api/bookings (POST), .../convert, .../reschedule.
Permissions: bookings:write (or write:own), bookings:override.
"""
