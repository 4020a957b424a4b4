"""Fixtures that every room's tests may use."""

from tests.databases import database_url, postgres

__all__ = ["database_url", "postgres"]
