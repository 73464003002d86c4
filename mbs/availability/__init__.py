"""When a service can be had, and why not: free slots of appointments, seats of classes, beds for stays.

No tables. URL: /api/availability.
Permission: bookings:read (or read:own).
"""
