"""Following the events of every business, so that what they set off is done at least once.

Tables: event_cursors, event_failures. No URLs: `mbs worker` follows, `mbs outbox` shows what failed.
What follows is handed in by wiring.py: messages (mbs/notifications) and webhooks (mbs/webhooks).
"""
