"""The people and firms a business serves. The pattern room: a new room is this one again.

Table: customers. URLs: /api/customers, /api/customers/{id}.
Permissions: customers:read (or read:own), customers:create, customers:write, customers:erase.
How to add a room like it: docs/adding-a-room.md.
"""
