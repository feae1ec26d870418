"""What the scripts of this workspace do, once a Python is there to do it."""
