"""What providers report of messages that they took, and what customers answer.

Table: message_receipts.
URLs: /api/webhooks (.../twilio/status, .../twilio/inbound, .../sendgrid, .../resend), proven by signatures.
Public: no permission; who cannot sign gets 403.
"""
