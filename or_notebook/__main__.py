"""`python -m or_notebook`: the same as the console script."""

from __future__ import annotations

import sys

from or_notebook.cli import main

if __name__ == "__main__":
    sys.exit(main())
