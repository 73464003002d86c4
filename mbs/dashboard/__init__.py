"""How the business is doing: counts, utilization, customers and money, by the days of its own time zone.

No tables. URLs: /api/dashboard/stats, /api/analytics/bookings, /api/analytics/utilisation,
/api/analytics/customers, /api/analytics/revenue, /api/analytics/collected, /api/analytics/tax,
/api/analytics/outstanding, /api/analytics/invoices.
Permissions: reports:read; of money, reports:finance.
"""
