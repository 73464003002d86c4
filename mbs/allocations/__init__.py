"""Which slot of which resource is taken when, and by what. No two overlap, whoever races for it.

Table: allocations. No URLs: bookings, sessions and time off stand on it. How it holds: ADR 0014.
"""
