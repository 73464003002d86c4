"""What messages say: the built-in words, and those that a business puts in their place.

Table: message_templates.
URLs: /api/notification-templates (.../{key}/{channel}/{locale}, .../versions, .../preview).
Permissions: notifications:read, templates:write. Events: template.updated, template.removed.
"""
