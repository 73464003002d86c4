"""When people and places work: the week, the days that differ from it, and time off.

Tables: schedules, schedule_exceptions, time_off. URLs: /api/staff/{id}/schedule, .../exceptions,
.../time-off, the same under /api/resources and /api/locations.
Permissions: resources:read, resources:write, timeOff:write (or timeOff:write:own); settings:* for locations.
"""
