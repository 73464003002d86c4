"""Finding a booking its place and taking it: making, holding, converting and moving bookings.

No table of its own. URLs: POST /api/bookings, /api/bookings/{id}/convert, /api/bookings/{id}/reschedule.
Permissions: bookings:write (or write:own), bookings:override.
"""
