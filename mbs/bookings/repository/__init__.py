"""Questions put to the bookings of one business, and the events that tell of their changes."""
