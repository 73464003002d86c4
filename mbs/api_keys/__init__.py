"""The keys with which a business's own programs call the API.

Table: `api_keys`. Answers /api/api-keys.
"""
