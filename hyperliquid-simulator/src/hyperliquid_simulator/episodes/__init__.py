"""The past told as the events a scraper would have published, written straight into a journal."""
