"""The keys with which a business's own programs call the API.

Table: api_keys. URLs: /api/api-keys, /api/api-keys/{id}.
Permissions: apiKeys:write.
"""
