"""What is done with endpoints and deliveries: by members, by events, and by the worker."""
