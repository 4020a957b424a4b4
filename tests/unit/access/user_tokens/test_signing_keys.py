"""What the operator does with signing keys."""

import base64
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gateway.access.domain.audit import Event
from gateway.access.domain.errors import WorkspaceNotFound
from gateway.access.domain.user_tokens.algorithm import Algorithm
from gateway.access.domain.user_tokens.errors import UserKeyNotFound
from gateway.access.domain.user_tokens.signing_keys import SigningKeys
from gateway.access.domain.user_tokens.user_key import UserKeyWish
from gateway.access.jose.public_keys import PemPublicKeys
from services.kernel.errors import InvalidArgument
from tests.fakes.clock import FakeClock
from tests.fakes.token_maker import private_key, public_pem
from tests.fakes.user_keys import FakeUserKeys
from tests.unit.access.given import ACME, CREATED, Store

PEM = public_pem(private_key("RS256"))
URL = "https://acme.example/jwks.json"


class TestSigningKeys:
    """Over fakes."""

    def setup_method(self) -> None:
        """Begin with acme, which has no key."""
        self.store, self.clock = Store(), FakeClock()
        self.keys = FakeUserKeys(self.store.audit)
        self.signing = SigningKeys(self.keys, self.store.workspaces, PemPublicKeys(), self.clock)

    def violations(self, **wish: str) -> list[str]:
        """Return the pointers of what is wrong with a wish; nothing is made."""
        before = len(self.store.audit.entries)
        with pytest.raises(InvalidArgument) as raised:
            self.signing.create(UserKeyWish("acme", **wish))
        assert len(self.store.audit.entries) == before
        return [each.pointer for each in raised.value.violations]

    def test_a_secret_is_made_here(self) -> None:
        """256 random bits, shown once; issuer and audience are the workspace's."""
        key, second = self.signing.create(UserKeyWish("acme")), self.signing.create(UserKeyWish(ACME.id))
        assert len(base64.urlsafe_b64decode(key.secret + "=")) == 32
        assert key.secret != second.secret
        assert (key.algorithm, key.issuer, key.audience) == (Algorithm.HS256, "acme", ACME.id)
        assert key.kid.startswith("uk_")
        assert key.secret not in repr(key)
        assert [each.secret for each in self.signing.list("acme", 0, "").items] == ["", ""]

    def test_a_key_of_the_test_environment_is_the_twins(self) -> None:
        """Its audience is another one, so that its tokens are good for nothing live."""
        key = self.signing.create(UserKeyWish("acme", environment="test"))
        assert key.workspace_id == key.audience == ACME.test_id

    @pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
    def test_a_public_key_is_kept_in_one_form(self, algorithm: str) -> None:
        """No secret is made beside it."""
        pem = public_pem(private_key(algorithm))
        wish = UserKeyWish("acme", algorithm=algorithm, public_key="\n" + pem.replace("\n", "\r\n"))
        key = self.signing.create(wish)
        assert (key.public_key, key.secret) == (pem, "")

    def test_older_forms_of_public_keys_are_taken(self) -> None:
        """PKCS#1 is what some tools print."""
        old = private_key("RS256").public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
        assert self.signing.create(UserKeyWish("acme", algorithm="RS256", public_key=old)).public_key == PEM

    def test_a_key_set(self) -> None:
        """Only its address is kept; it is fetched when a token needs it."""
        key = self.signing.create(UserKeyWish("acme", algorithm="RS256", issuer="idp", jwks_url=URL))
        assert (key.jwks_url, key.issuer, key.secret, key.public_key) == (URL, "idp", "", "")

    def test_hosts_of_key_sets_can_be_limited(self) -> None:
        """As the installation wants it."""
        hosts = frozenset({"else.example"})
        self.signing = SigningKeys(
            self.keys, self.store.workspaces, PemPublicKeys(), self.clock, jwks_hosts=hosts
        )
        assert self.violations(algorithm="RS256", jwks_url=URL) == ["/jwks_url"]

    def test_all_that_is_wrong_is_told_at_once(self) -> None:
        """Each with its pointer."""
        wish = {"environment": "prod", "issuer": "a\nb", "algorithm": "none", "jwks_url": "http://a.example"}
        assert self.violations(**wish) == ["/environment", "/iss", "/alg", "/jwks_url"]
        assert self.violations(issuer="x" * 256) == ["/iss"]

    @pytest.mark.parametrize("algorithm", ["", "HS256"])
    def test_a_secret_needs_no_public_key(self, algorithm: str) -> None:
        """Nor where one would be."""
        wish = {"algorithm": algorithm, "public_key": PEM, "jwks_url": URL}
        assert self.violations(**wish) == ["/public_key", "/jwks_url"]

    def test_a_public_key_comes_one_way(self) -> None:
        """Not none, not two."""
        assert self.violations(algorithm="ES256") == ["/public_key"]
        assert self.violations(algorithm="RS256", public_key=PEM, jwks_url=URL) == ["/jwks_url"]

    @pytest.mark.parametrize(
        ("algorithm", "pem"),
        [
            ("RS256", "no key"),
            ("RS256", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
            ("RS256", public_pem(private_key("RS256", 1024))),
            ("RS256", public_pem(private_key("ES256"))),
            ("ES256", PEM),
            ("ES256", public_pem(private_key("ES384"))),
            ("EdDSA", public_pem(private_key("ES256"))),
            ("RS256", PEM + "\n" * 20_000),
            ("RS256", "\ud800"),
        ],
    )
    def test_a_public_key_has_to_fit(self, algorithm: str, pem: str) -> None:
        """Of the algorithm's kind, and long enough."""
        assert self.violations(algorithm=algorithm, public_key=pem) == ["/public_key"]

    def test_a_private_key_is_refused_and_not_repeated(self) -> None:
        """Nobody but its owner should have it."""
        private = private_key("RS256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with pytest.raises(InvalidArgument) as raised:
            self.signing.create(UserKeyWish("acme", algorithm="RS256", public_key=private.decode()))
        assert "private" in raised.value.violations[0].detail
        assert private.decode().split("\n")[1] not in str(raised.value.violations)

    def test_no_such_workspace(self) -> None:
        """Nor one that was closed; its keys can be looked at and disabled."""
        for act in (lambda: self.signing.create(UserKeyWish("no")), lambda: self.signing.list("no", 0, "")):
            with pytest.raises(WorkspaceNotFound):
                act()
        key = self.signing.create(UserKeyWish("acme"))
        self.store.workspaces.change("acme", lambda before: (before.close(self.clock.now()), CREATED))
        with pytest.raises(WorkspaceNotFound):
            self.signing.create(UserKeyWish("acme"))
        assert [each.kid for each in self.signing.list("acme", 0, "").items] == [key.kid]
        assert self.signing.disable(key.kid).disabled_at is not None

    def test_disabling_is_for_good(self) -> None:
        """The first time counts, without the secret."""
        key = self.signing.create(UserKeyWish("acme"))
        disabled = self.signing.disable(key.kid)
        assert disabled == replace(key, secret="", disabled_at=self.clock.now())
        self.clock.advance(60)
        assert self.signing.disable(key.kid) == disabled
        with pytest.raises(UserKeyNotFound):
            self.signing.disable("uk_unknown")

    def test_changes_are_in_the_audit(self) -> None:
        """Once each, with what they are about and no secret."""
        key = self.signing.create(UserKeyWish("acme", environment="test"))
        self.signing.disable(key.kid)
        self.signing.disable(key.kid)
        created, disabled = self.store.audit.entries[-2:]
        assert (created.event, disabled.event) == (Event.USER_KEY_CREATED, Event.USER_KEY_DISABLED)
        assert {(each.workspace_id, each.key_id, each.actor) for each in (created, disabled)} == {
            (ACME.test_id, key.kid, "operator")
        }
        assert created.details == {"environment": "test", "alg": "HS256", "iss": "acme"}
        assert key.secret not in repr(self.store.audit.entries)

    def test_pages(self) -> None:
        """Newest first, each once."""
        made = []
        for _ in range(3):
            made.append(self.signing.create(UserKeyWish("acme")).kid)
            self.clock.advance(1)
        first = self.signing.list("acme", 2, "")
        rest = self.signing.list("acme", 2, first.next_token)
        assert [each.kid for each in (*first.items, *rest.items)] == made[::-1]
        assert rest.next_token == ""
