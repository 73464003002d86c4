"""How the business is doing: counts, utilization and customers, by the days of its own time zone.

No table of its own. URLs: /api/dashboard/stats, /api/analytics/bookings, .../utilisation, .../customers.
Permission: reports:read.
"""
