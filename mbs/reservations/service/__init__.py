"""Making and moving bookings.

`making`: new ones and holds. `moving`: the same booking at another time. `asking`: what a body means.
`seats`: places in classes. `alternatives`: what could be had instead.
"""
