"""What a printed document says, how it is drawn, and the table of prints that wait."""
