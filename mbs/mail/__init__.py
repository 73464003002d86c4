"""Mails about accounts (verify, reset, invite): a queue in the database, and the gateways that send them.

Table: account_mails. Answers no URL; `mbs worker` empties the queue.
"""
