"""``python -m workspace.up`` is what ``scripts/up`` runs."""

from workspace.up.cli import main

main()
