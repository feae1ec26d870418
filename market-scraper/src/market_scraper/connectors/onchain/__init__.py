"""Figures of the Bitcoin chain from free public services, one module a service."""
