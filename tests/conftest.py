"""Fixtures that every room's tests may use."""

from tests.databases import database_url, postgres, postgres_database

__all__ = ["database_url", "postgres", "postgres_database"]
