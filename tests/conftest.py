"""Fixtures that every room's tests may use."""

from tests.databases import database_url, postgres, postgres_database
from tests.valkey import own_valkey, shared_valkey, valkey

__all__ = ["database_url", "own_valkey", "postgres", "postgres_database", "shared_valkey", "valkey"]
