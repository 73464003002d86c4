"""What it takes to do a service: staff, rooms, beds, desks, vehicles, equipment, each with a capacity.

Table: resources. URLs: /api/resources, /api/staff (the same, of kind `staff`).
Permissions: resources:read, resources:write.
"""
