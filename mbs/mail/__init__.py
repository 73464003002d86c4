"""Mails about accounts: a queue in the database, and the gateways that send them.

Table: account_mails. No URLs: `mbs worker` empties the queue.
"""
