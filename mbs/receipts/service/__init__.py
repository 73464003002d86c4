"""What a report does to its message, and what a customer's answer does to their consent."""
