"""The smoke checks by subject, and the client that asks the running service; needs only requests and the
standard library."""
