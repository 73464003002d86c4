"""The trail of everything that changed: one append-only, hash-chained table per tenant.

Tables: events, event_heads.
URLs: /api/events (feed for programs), /api/audit-logs (the same rows for people).
Every other room appends here in the transaction of its change. Permission: audit:read.
"""
