"""What can be done with credit notes: write them, read them."""
