"""Invoices on the wire: what is sent, what is shown, and how it is made ready."""
