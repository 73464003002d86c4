"""Questions put to the endpoints and deliveries of a business, and to the queue of all."""
