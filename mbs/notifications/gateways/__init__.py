"""Who carries WhatsApp messages; mails go by `mbs.mail.gateways`, and both fail by the same exceptions."""
