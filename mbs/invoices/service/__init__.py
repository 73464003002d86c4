"""What can be done with invoices: drafting and reading them, and issuing them."""
