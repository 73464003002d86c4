"""When people and places work: the week, the days that differ from it, and time off.

Tables: schedules, schedule_exceptions, time_off. URLs: /api/staff/{id}/schedule, .../exceptions,
.../time-off, the same under /api/resources and /api/locations.
Permissions: resources:read, resources:write; of locations settings:read, settings:write. Time off is written
with timeOff:write, or by the person whose it is.
"""
