"""Bookings: what was agreed with a customer, and what became of it.

Tables: bookings, booking_items. URLs: /api/bookings, /api/bookings/{id}, .../confirm, .../decline,
.../check-in, .../complete, .../no-show, .../cancel; /api/customers/{id}/bookings,
/api/sessions/{id}/attendees.
To make and to move one: mbs/reservations.
Permissions: bookings:read (or read:own), bookings:write (or write:own).
"""
