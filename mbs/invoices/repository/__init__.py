"""Documents and their lines, written and found again; the numbers they draw; the events that tell of them."""
