"""Who carries mails out of the house: one interface, the providers behind it, and who steps in for whom."""
