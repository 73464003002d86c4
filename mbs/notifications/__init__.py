"""Messages to customers and teams, by e-mail and WhatsApp: which event sets them off, when, to whom.

Table: notifications.
URLs: /api/notifications (.../{id}, .../{id}/retry, .../test), /api/notification-logs (the same list).
Permissions: notifications:read, notifications:write.
"""
