"""What a credit note takes back, and how that stands on its lines; no database."""
