"""The table of logos, and what becomes of a picture before it is kept."""
