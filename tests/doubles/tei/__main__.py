"""``python -m doubles.tei``: the double as a command."""

from doubles.tei.main import main

main()
