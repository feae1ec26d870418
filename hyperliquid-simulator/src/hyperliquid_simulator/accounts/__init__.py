"""Who trades: how they behave, what they want, what they hold. Imports coins alone."""
