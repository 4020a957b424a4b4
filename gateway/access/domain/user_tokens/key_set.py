"""Key sets: a customer's public keys as it publishes them (RFC 7517)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.access.domain.user_tokens.algorithm import Algorithm
from gateway.access.domain.user_tokens.strict_json import Malformed, json_object

MAX_KEYS = 100
_DEPTH = 6

# What a key of an algorithm is: `kty`, and `crv` where there are several.
_KINDS = {
    Algorithm.RS256: ("RSA", None),
    Algorithm.ES256: ("EC", "P-256"),
    Algorithm.EDDSA: ("OKP", "Ed25519"),
}
# The members that make up a public key.
_PUBLIC = ("kty", "crv", "n", "e", "x", "y")


@dataclass(frozen=True)
class Jwk:
    """A public key; `kid` None: it has no name, `algorithm` None: it is for any that fits its kind."""

    kid: str | None
    algorithm: str | None
    members: Mapping[str, str]

    def fits(self, algorithm: Algorithm) -> bool:
        """Whether signatures of that algorithm can be verified with it."""
        if self.algorithm not in (None, algorithm.value) or algorithm not in _KINDS:
            return False
        kind, curve = _KINDS[algorithm]
        return self.members["kty"] == kind and (curve is None or self.members.get("crv") == curve)


def key_set(raw: bytes) -> Sequence[Jwk]:
    """
    Return the keys of a set that can verify signatures; others in it are passed over.

    Passed over, too: private keys, which everybody may have read, and secrets.

    Raises:
        Malformed: it is no key set, or has more than 100 keys.
    """
    keys = json_object(raw, depth=_DEPTH).get("keys")
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise Malformed("is no key set")
    return [each for each in map(_key, keys) if each is not None]


def _key(member: object) -> Jwk | None:
    if not isinstance(member, dict) or "d" in member or "k" in member:
        return None
    kid, algorithm, operations = member.get("kid"), member.get("alg"), member.get("key_ops", ["verify"])
    if member.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    if not isinstance(kid, str | None) or not isinstance(algorithm, str | None):
        return None
    members = {name: member[name] for name in _PUBLIC if name in member}
    if not isinstance(members.get("kty"), str) or not all(isinstance(each, str) for each in members.values()):
        return None
    return Jwk(kid, algorithm, members)
