"""``python -m smart_money_signal_system``."""

from signal_system.cli import main

if __name__ == "__main__":
    main()
