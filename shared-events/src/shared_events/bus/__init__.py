"""How events travel: one port, several carriers, one contract they all keep."""
