"""How the business is doing: counts, utilization and customers, by the days of its own time zone.

No tables. URLs: /api/dashboard/stats, /api/analytics/bookings, /api/analytics/utilisation,
/api/analytics/customers.
Permission: reports:read.
"""
