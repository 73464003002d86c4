"""Group classes: a time, a teacher, a room, and seats. Who waits for one: mbs/waitlist.

Table: sessions. URLs: /api/sessions, /api/sessions/{id}, .../cancel, .../complete, /api/session-series.
People's own sign-ins are another thing: mbs/sign_ins.
Permissions: bookings:read, bookings:write.
"""
