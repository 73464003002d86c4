"""What can be done with messages. `following`: events to messages. `sending`: messages to providers."""
