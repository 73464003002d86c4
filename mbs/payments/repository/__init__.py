"""Questions put to the payments of one business, and the events that tell of their changes."""
