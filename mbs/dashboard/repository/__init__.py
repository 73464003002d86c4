"""Questions put to the bookings and customers of one business, each answered by one statement."""
