"""Everything with one command: Redis, the demo venue, both services, one calm screen."""
