"""Servers for tests of whatever talks to one."""
