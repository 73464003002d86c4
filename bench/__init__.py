"""What a request costs: `python -m bench --help`. Method and figures: docs/performance.md."""
