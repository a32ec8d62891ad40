"""`python -m toolglot`."""

from .cli import main

raise SystemExit(main())
