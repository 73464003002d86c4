"""The rows, the rules, and what each state may become."""
