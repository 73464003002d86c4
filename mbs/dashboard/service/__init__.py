"""What is asked of the figures: of bookings and people (`activity`), and of money (`money`)."""
