"""Tells the outside of whale alerts and of signals that turn: webhooks and chats."""
