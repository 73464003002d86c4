"""The catalogue of messages, the words that count, and how they become a text and a page."""
