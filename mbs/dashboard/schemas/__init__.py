"""Figures on the wire: of bookings and people (`activity`), and of money (`money`)."""
