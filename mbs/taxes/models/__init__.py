"""Tax rates, places of supply, and the reckoning of a document; no database but the tables."""
