"""The rows, and how deliveries are retried and signed."""
