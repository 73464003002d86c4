"""Who waits for a seat of a full group class, and is offered the next one that becomes free.

Table: waitlist_entries. URLs: /api/sessions (.../{id}/waitlist, .../waitlist/{id}, .../accept).
Permissions: bookings:read, bookings:write.
"""
