"""What currencies were worth in each other, for reports only.

Table: exchange_rates. URLs: /api/exchange-rates, /api/exchange-rates/{id}.
Permissions: settings:read, settings:write.
"""
