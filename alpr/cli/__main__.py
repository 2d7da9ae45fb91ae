"""`python -m alpr.cli`."""

from alpr.cli import main

main()
