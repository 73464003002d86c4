"""What the `mbs` command runs: migrations, smoke tests, pre-publish gates, the embedded PostgreSQL."""
