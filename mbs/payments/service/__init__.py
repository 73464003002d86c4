"""What can be done with payments: record, apply, give back, take back, read."""
