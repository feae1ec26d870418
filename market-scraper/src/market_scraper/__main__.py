"""``python -m market_scraper``."""

from market_scraper.cli import main

if __name__ == "__main__":
    main()
