"""Documents: their tables, their numbers, and the rules of their states."""
