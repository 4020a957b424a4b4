"""Base62, the alphabet of keys: letters and digits only, so that a double click selects a whole key."""

import secrets

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def random_text(length: int) -> str:
    """Return `length` characters from the system's random source, 5.95 bits each."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def encode(number: int, length: int) -> str:
    """Return a number from 0 to 62^length - 1 in `length` characters, the most significant first."""
    characters = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[digit])
    return "".join(reversed(characters))
