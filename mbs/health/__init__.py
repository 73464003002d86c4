"""Whether the service lives, reaches its database, and is fit to serve (runbook section 5).

No tables. URLs: /health, /health/db, /health/ready, and the same under /api. Never limited, never shed.
"""
