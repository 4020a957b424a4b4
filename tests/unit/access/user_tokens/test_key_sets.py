"""Key sets: how often they are fetched, and what counts while they can't be."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.access.domain.user_tokens.algorithm import Algorithm
from gateway.access.domain.user_tokens.errors import Because, UserTokenRefused
from gateway.access.domain.user_tokens.key_set import MAX_KEYS, key_set
from gateway.access.domain.user_tokens.key_sets import CAPACITY, MAX_WAITING, KeySets
from gateway.access.domain.user_tokens.strict_json import Malformed
from services.kernel.errors import Unavailable
from tests.fakes.key_set_source import FakeKeySetSource

URL = "https://acme.example/jwks.json"
RSA = {"kty": "RSA", "n": "AQAB", "e": "AQAB"}


class TestKeySets:
    """Over a source in memory."""

    def setup_method(self) -> None:
        """Begin with a set of one key."""
        self.source, self.now = FakeKeySetSource(), 0.0
        self.sets = KeySets(self.source, monotonic=lambda: self.now)
        self.publish("a")

    def publish(self, *kids: str) -> None:
        """Publish keys of those names."""
        self.source.sets[URL] = json.dumps({"keys": [{**RSA, "kid": kid} for kid in kids]}).encode()

    def find(self, kid: str | None, url: str = URL) -> str | None:
        """Return the name of the key that is found."""
        return self.sets.key(url, Algorithm.RS256, kid).kid

    def refused(self, kid: str | None, url: str = URL) -> Because:
        """Return why no key is found."""
        with pytest.raises(UserTokenRefused) as raised:
            self.find(kid, url)
        return raised.value.because

    def test_a_set_is_fetched_once_in_five_minutes(self) -> None:
        """However many ask."""
        for self.now in (0, 1, 299):
            assert self.find("a") == "a"
        assert len(self.source.fetches) == 1
        self.now = 301
        assert self.find("a") == "a"
        assert len(self.source.fetches) == 2

    def test_an_unknown_name_fetches_at_most_once_a_minute(self) -> None:
        """So a new key works soon, and made-up names cost nothing."""
        assert self.find("a") == "a"
        for self.now in (1, 30, 59):
            assert self.refused("b") is Because.KEY_UNKNOWN
        assert len(self.source.fetches) == 1
        self.publish("a", "b")
        self.now = 61
        assert self.find("b") == "b"
        for self.now in (62, 120):
            assert self.refused("made-up") is Because.KEY_UNKNOWN
        assert len(self.source.fetches) == 2

    def test_a_key_that_was_taken_out_counts_for_five_minutes_at_most(self) -> None:
        """Then the set is what it is now."""
        self.find("a")
        self.publish("b")
        self.now = 301
        assert self.refused("a") is Because.KEY_UNKNOWN

    def test_the_last_set_counts_for_an_hour(self) -> None:
        """While it can't be fetched, which is tried once a minute; then there is none."""
        self.find("a")
        self.source.sets[URL] = b"<html>"
        for self.now in (400, 401, 459, 461, 3_599):
            assert self.find("a") == "a"
        assert len(self.source.fetches) == 4
        self.now = 3_601
        assert self.refused("a") is Because.KEY_SET_UNAVAILABLE
        self.publish("a")
        self.now = 3_662
        assert self.find("a") == "a"

    def test_a_host_that_never_answered_is_asked_once_a_minute(self) -> None:
        """Counted from when it had failed."""
        other = "https://away.example/"
        for self.now in (0, 30, 59):
            assert self.refused("a", other) is Because.KEY_SET_UNAVAILABLE
        assert self.source.fetches == [other]
        self.now = 61
        assert self.refused("a", other) is Because.KEY_SET_UNAVAILABLE
        assert self.source.fetches == [other] * 2

    def test_without_a_name_the_only_key_is_meant(self) -> None:
        """Of several none is, nor of several of one name."""
        assert self.find(None) == "a"
        for kids in (("a", "b"), ("a", "a")):
            self.now += 3_600
            self.publish(*kids)
            assert self.refused(None) is Because.KEY_UNKNOWN
        assert self.refused("a") is Because.KEY_UNKNOWN

    def test_many_at_once_fetch_once(self) -> None:
        """The others wait for the first."""
        self.source.gate.clear()
        with ThreadPoolExecutor(MAX_WAITING) as pool:
            asked = [pool.submit(self.find, "a") for _ in range(MAX_WAITING)]
            self.source.wait_for(1)
            self.source.gate.set()
            assert [each.result() for each in asked] == ["a"] * MAX_WAITING
        assert len(self.source.fetches) == 1

    def test_slow_hosts_do_not_hold_all_threads(self) -> None:
        """Beyond a few, whoever would have to wait is told to come back; what is known is found."""
        assert self.find("a") == "a"
        slow = [f"https://slow-{number}.example/" for number in range(MAX_WAITING)]
        for each in slow:
            self.source.sets[each] = self.source.sets[URL]
        self.source.gate.clear()
        with ThreadPoolExecutor(MAX_WAITING) as pool:
            asked = [pool.submit(self.find, "a", each) for each in slow]
            self.source.wait_for(1 + MAX_WAITING)
            with pytest.raises(Unavailable):
                self.find("a", "https://another.example/")
            assert self.find("a") == "a"
            self.source.gate.set()
            assert [each.result() for each in asked] == ["a"] * MAX_WAITING
        assert self.refused("a", "https://another.example/") is Because.KEY_SET_UNAVAILABLE

    def test_only_so_many_sets_are_remembered(self) -> None:
        """The one that was used longest ago goes."""
        self.find("a")
        for number in range(CAPACITY):
            self.source.sets[f"https://host-{number}.example/"] = self.source.sets[URL]
            self.find("a", f"https://host-{number}.example/")
        assert self.find("a") == "a"
        assert self.source.fetches.count(URL) == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": [], "keys": []}',
        b'{"keys": [{"kty": "RSA", "kty": "EC"}]}',
        b'{"keys": ' + b"[" * 100_000,
        b'{"keys": [' + b",".join([b"{}"] * (MAX_KEYS + 1)) + b"]}",
        b"\xff\xfe",
        b'{"keys": [NaN]}',
    ],
)
def test_what_is_no_key_set(raw: bytes) -> None:
    """Whatever a host sends."""
    with pytest.raises(Malformed):
        key_set(raw)


def test_what_is_not_understood_in_a_set_is_passed_over() -> None:
    """RFC 7517 wants it so; the good key beside it counts."""
    good = {**RSA, "kid": "a", "use": "sig", "alg": "RS256", "key_ops": ["verify"], "x5t": "AA"}
    others = [7, None, {}, {"kty": 7}, {**RSA, "kid": 7}, {**RSA, "alg": 7}, {**RSA, "key_ops": "verify"}]
    found = key_set(json.dumps({"keys": [*others, good]}).encode())
    assert [each.kid for each in found] == ["a"]
    assert found[0].members == RSA
