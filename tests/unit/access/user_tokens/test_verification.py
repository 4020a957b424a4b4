"""Tokens of end users that hold, and whose keys sign them."""

import pytest

from gateway.access.domain.user_tokens.errors import Because, UserTokenRefused
from services.kernel.errors import Unavailable
from tests.fakes.token_maker import private_key, public_pem, signed
from tests.unit.access.user_tokens.given import ACME, OTHER, World, raw_secret, refused


@pytest.fixture
def world() -> World:
    """Return a workspace with one signing key."""
    return World()


class TestWhatHolds:
    """Tokens as they should be."""

    def test_an_end_user_is_known_by_claims(self, world: World) -> None:
        """Who it is and for how long; what the token does not say is empty."""
        end_user = world.tokens.end_user(ACME.id, world.token())
        assert (end_user.issuer, end_user.subject) == ("acme", "ann")
        assert end_user.issued_at == world.clock.now()
        assert (end_user.expires_at - end_user.issued_at).total_seconds() == 600
        assert (end_user.email, end_user.email_verified) == ("", False)
        assert (end_user.stripe_customer_id, end_user.shopify_customer_id) == ("", "")

    def test_the_claims_of_actions(self, world: World) -> None:
        """They come along as they were signed."""
        claims = world.claims(
            email="ann@acme.example", email_verified=True, stripe_customer_id="cus_1", shopify_customer_id="7"
        )
        end_user = world.tokens.end_user(ACME.id, world.token(claims))
        assert (end_user.email, end_user.email_verified) == ("ann@acme.example", True)
        assert (end_user.stripe_customer_id, end_user.shopify_customer_id) == ("cus_1", "7")

    @pytest.mark.parametrize("word", ["true", 1, "yes", None, False])
    def test_an_email_is_verified_by_true_alone(self, world: World, word: object) -> None:
        """Whatever else a language takes for true."""
        claims = {**world.claims(), "email": "a@b.example", "email_verified": word}
        assert not world.tokens.end_user(ACME.id, world.token(claims)).email_verified

    def test_a_secret_signs_as_text_or_as_the_bytes_it_stands_for(self, world: World) -> None:
        """Both are what back ends do with base64url."""
        assert world.subject(world.token()) == "ann"
        assert world.subject(world.token(sign=signed("HS256", raw_secret(world.key)))) == "ann"

    @pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
    def test_public_keys_verify(self, world: World, algorithm: str) -> None:
        """Each algorithm with its own kind of key."""
        private = private_key(algorithm)
        key = world.add(algorithm=algorithm, public_key=public_pem(private))
        assert world.subject(world.token(key=key, sign=signed(algorithm, private))) == "ann"

    def test_without_kid_where_one_key_is_active(self, world: World) -> None:
        """With a second one it is open which is meant; disabling one makes it plain again."""
        token = world.token(kid=None)
        assert world.subject(token) == "ann"
        second = world.add()
        assert refused(world, token) is Because.KEY_AMBIGUOUS
        world.disable(second)
        assert world.subject(token) == "ann"

    def test_several_keys_work_side_by_side(self, world: World) -> None:
        """So that a new one can take an old one's place."""
        second = world.add()
        for key in (world.key, second):
            assert world.subject(world.token(key=key)) == "ann"

    def test_typ_may_be_left_out(self, world: World) -> None:
        """Or be written in any case."""
        for kind in (None, "jwt"):
            assert world.subject(world.token(typ=kind)) == "ann"

    def test_claims_of_ones_own_are_no_matter(self, world: World) -> None:
        """A back end may have more to say."""
        assert world.subject(world.token(world.claims(roles=["a", {"b": [1.5, None]}], jti="x"))) == "ann"

    def test_clocks_may_differ_by_30_seconds(self, world: World) -> None:
        """Either way, and no more."""
        for seconds, holds in ((29, True), (31, False)):
            now = int(world.clock.now().timestamp())
            early = world.token(world.claims(iat=now + seconds, nbf=now + seconds, exp=now + 600))
            late = world.token(world.claims(iat=now - 600, exp=now - seconds))
            for token in (early, late):
                if holds:
                    assert world.subject(token) == "ann"
                else:
                    assert refused(world, token) in (Because.NOT_YET_VALID, Because.EXPIRED)

    def test_4_kib_are_allowed_and_no_byte_more(self, world: World) -> None:
        """Counted over the whole token."""

        def token(length: int) -> str:
            return world.token(world.claims(padding="x" * length))

        length = next(each for each in range(2_500, 3_100) if len(token(each)) >= 4_095)
        fitting = max((token(each) for each in range(length - 3, length + 3)), key=_at_most_4096)
        assert world.subject(fitting) == "ann"
        assert refused(world, token(length + 3)) is Because.TOO_LONG


def _at_most_4096(token: str) -> int:
    return len(token) if len(token) <= 4096 else 0


class TestWhoseKey:
    """Keys of others, keys that were disabled."""

    def test_another_workspaces_key(self, world: World) -> None:
        """By its kid, without one, or with claims for the other workspace: it is unknown here."""
        theirs = world.add(OTHER)
        sign = signed("HS256", theirs.secret.encode())
        assert refused(world, world.token(key=theirs)) is Because.KEY_UNKNOWN
        assert refused(world, world.token(kid=None, sign=sign)) is Because.SIGNATURE
        for_them = world.claims(iss="other", aud=OTHER.id)
        assert refused(world, world.token(for_them, key=theirs)) is Because.KEY_UNKNOWN
        assert world.subject(world.token(for_them, key=theirs), OTHER.id) == "ann"

    def test_the_twins_key(self, world: World) -> None:
        """A token of the test environment is good for nothing live, and the other way round."""
        test = world.add(environment="test")
        token = world.token(world.claims(aud=ACME.test_id), key=test)
        assert world.subject(token, ACME.test_id) == "ann"
        assert refused(world, token) is Because.KEY_UNKNOWN
        with pytest.raises(UserTokenRefused):
            world.subject(world.token(), ACME.test_id)

    def test_a_disabled_key(self, world: World) -> None:
        """It is refused with the next token; another one goes on."""
        second = world.add()
        token = world.token()
        assert world.subject(token) == "ann"
        world.disable(world.key)
        assert refused(world, token) is Because.KEY_UNKNOWN
        assert world.subject(world.token(key=second)) == "ann"
        world.disable(second)
        assert refused(world, world.token(kid=None)) is Because.KEY_UNKNOWN

    def test_a_workspace_without_keys(self, world: World) -> None:
        """Nobody can be vouched for there."""
        with pytest.raises(UserTokenRefused):
            world.subject(world.token(), OTHER.id)

    def test_without_the_store_nobody_is_known(self, world: World) -> None:
        """That is no refusal: the token may well hold."""
        world.keys.down = True
        with pytest.raises(Unavailable):
            world.subject(world.token())

    def test_an_issuer_of_ones_own(self, world: World) -> None:
        """The key's issuer counts, the workspace's name only where none was given."""
        key = world.add(issuer="https://login.acme.example/")
        assert refused(world, world.token(key=key)) is Because.ISSUER
        own = world.claims(iss="https://login.acme.example/")
        assert world.subject(world.token(own, key=key)) == "ann"
