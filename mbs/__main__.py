"""`python -m mbs` is the `mbs` command."""

import sys

from mbs.cli import main

if __name__ == "__main__":
    sys.exit(main())
