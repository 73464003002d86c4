"""What a business offers: services with price, duration, buffers and rules, and who can do them.

Tables: catalog_items, item_resources. URLs: /api/services, /api/services/{id}/resources.
Permissions: services:read, services:write.
"""
