"""Events to integrators: their addresses, signed deliveries, retries and replays.

Tables: webhook_endpoints, webhook_deliveries.
URLs: /api/webhook-endpoints (.../{id}, .../{id}/rotate-secret, .../{id}/test, .../{id}/deliveries,
.../{id}/deliveries/{id}/replay).
Permission: webhooks:write.
"""
