"""What can be done with bookings: reading and annotating them, and what becomes of each."""
