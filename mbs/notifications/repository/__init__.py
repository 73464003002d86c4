"""The queue as its worker sees it, and the list as people do."""
