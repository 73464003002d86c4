"""Bookings: what was agreed with a customer, and what became of it. To make and move one: mbs/reservations.

Tables: bookings, booking_items. URLs: /api/bookings, /api/bookings/upcoming, /api/bookings/{id}, .../confirm,
.../decline, .../check-in, .../complete, .../no-show, .../cancel; /api/customers/{id}/bookings,
/api/sessions/{id}/attendees.
Permissions: bookings:read (or read:own), bookings:write (or write:own).
"""
