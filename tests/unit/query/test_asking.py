"""A question's way, over fakes."""

from dataclasses import replace

import pytest

from services.kernel.errors import InvalidArgument, Unavailable
from services.query.domain.answer import Citation
from services.query.domain.asking import Completed, Delta, SourcesFound
from services.query.domain.confidence.model import shipped_model
from services.query.domain.end_user import EndUser
from services.query.domain.errors import ConversationNotFound, ExplanationRefused, UserTokenRefused
from services.query.domain.question import Filters, Lookup, Question, Said
from tests.unit.query.given import ACME, LEAST, OTHER, World

RENEW = Question(message="When does the Pro plan renew?")


def test_an_answer_rests_on_its_sources() -> None:
    """It has a text with markers, sources best first, a confidence, ids, and the revision."""
    world = World()
    answer = world.asking.answer(ACME, RENEW)
    assert answer.answered
    assert answer.reason == ""
    assert "The Pro plan renews on the third day of each month." in answer.text
    assert answer.sources[0].document_id == "doc_plans"
    assert answer.sources[0].title == "Plans and prices"
    assert answer.citations
    assert LEAST < answer.confidence.score < 1
    assert answer.conversation_id.startswith("conv_")
    assert answer.message_id.startswith("msg_")
    assert answer.knowledge_revision == 7
    assert answer.answerer == "extractive"


def test_the_turn_is_stored_before_the_reply() -> None:
    """With both messages, what the answer rests on, and how long it took."""
    world = World()
    answer = world.asking.answer(ACME, replace(RENEW, channel="email", metadata={"ticket": "8812"}))
    (turn,) = world.transcripts.turns(ACME.workspace_id, answer.conversation_id)
    assert (turn.channel, turn.metadata) == ("email", {"ticket": "8812"})
    assert turn.user.content == RENEW.message
    assert turn.assistant.id == answer.message_id
    assert turn.assistant.content == answer.text
    assert turn.assistant.sources == answer.sources
    assert turn.assistant.confidence == answer.confidence.score
    assert turn.assistant.latency_ms == 0
    assert turn.user.created_at == turn.assistant.created_at == world.clock.now()


def test_the_channel_is_api_unless_named() -> None:
    """As the contract says."""
    world = World()
    answer = world.asking.answer(ACME, RENEW)
    assert world.transcripts.turns(ACME.workspace_id, answer.conversation_id)[0].channel == "api"


def test_store_false_stores_nothing() -> None:
    """A conversation that was given is named, none is begun."""
    world = World()
    answer = world.asking.answer(ACME, replace(RENEW, store=False))
    assert answer.conversation_id == ""
    begun = world.asking.answer(ACME, RENEW).conversation_id
    again = world.asking.answer(ACME, replace(RENEW, conversation_id=begun, store=False))
    assert again.conversation_id == begun
    assert len(world.transcripts.turns(ACME.workspace_id, begun)) == 1


def test_a_conversation_goes_on() -> None:
    """A later question joins it and is seen in its light."""
    world = World()
    first = world.asking.answer(ACME, Question(message="How much does the Pro plan cost?"))
    second = world.asking.answer(
        ACME, Question(message="And for teams?", conversation_id=first.conversation_id, min_confidence=0)
    )
    assert second.conversation_id == first.conversation_id
    assert len(world.transcripts.turns(ACME.workspace_id, first.conversation_id)) == 2
    assert world.search.queries[-1].text == "How much does the Pro plan cost?\nAnd for teams?"
    assert second.sources[0].document_id == "doc_teams"
    assert "9 euros" in second.text


def test_the_callers_history_counts_like_a_conversation() -> None:
    """For questions and look-ups alike."""
    world = World()
    history = (Said("user", "How much does the Pro plan cost?"), Said("assistant", "12 euros."))
    world.asking.answer(ACME, Question(message="And for teams?", history=history))
    world.asking.look_up(ACME, Lookup(message="And for teams?", history=history))
    assert [query.text for query in world.search.queries] == [
        "And for teams?",
        "How much does the Pro plan cost?\nAnd for teams?",
    ] * 2


def test_an_unknown_conversation_is_not_found() -> None:
    """Nor is another workspace's; nothing is searched."""
    world = World()
    theirs = world.asking.answer(OTHER, RENEW).conversation_id
    world.search.queries.clear()
    for conversation_id in ("conv_unknown", theirs):
        with pytest.raises(ConversationNotFound):
            world.asking.answer(ACME, replace(RENEW, conversation_id=conversation_id))
    assert not world.search.queries


def test_a_question_about_nothing_known_is_not_answered() -> None:
    """It says so, names the reason and keeps the nearest sources, without citations."""
    world = World()
    answer = world.asking.answer(ACME, Question(message="Who won the cup in 1966?"))
    assert not answer.answered
    assert answer.reason == "NO_RELEVANT_SOURCE"
    assert answer.text
    assert answer.sources
    assert not answer.citations
    (turn,) = world.transcripts.turns(ACME.workspace_id, answer.conversation_id)
    assert (turn.assistant.answered, turn.assistant.reason) == (False, "NO_RELEVANT_SOURCE")


def test_an_answer_below_min_confidence_is_withheld() -> None:
    """The score stays that of the candidate."""
    world = World(model=replace(shipped_model(), relevant=0.01))
    given = world.asking.answer(ACME, RENEW)
    withheld = world.asking.answer(ACME, replace(RENEW, min_confidence=1.0))
    assert (withheld.answered, withheld.reason) == (False, "LOW_CONFIDENCE")
    assert withheld.confidence == given.confidence
    assert [each.document_id for each in withheld.sources] == [each.document_id for each in given.sources]


def test_min_confidence_0_never_abstains() -> None:
    """Unless there is nothing at all."""
    world = World()
    question = Question(message="Who won the cup in 1966?", min_confidence=0)
    assert world.asking.answer(ACME, question).answered
    nothing = world.asking.answer(OTHER, question)
    assert (nothing.answered, nothing.reason, nothing.sources) == (False, "NO_RELEVANT_SOURCE", ())
    assert nothing.confidence.score == 0


def test_the_defaults_threshold_is_the_installations() -> None:
    """A question without its own goes by it."""
    assert not World(min_confidence=1.0).asking.answer(ACME, RENEW).answered


def test_filters_and_max_sources_hold() -> None:
    """Only what they allow is a source."""
    world = World()
    one = world.asking.answer(ACME, replace(RENEW, max_sources=1))
    assert len(one.sources) == 1
    only = world.asking.answer(ACME, replace(RENEW, filters=Filters(document_ids=("doc_sync",))))
    assert [each.document_id for each in only.sources] == ["doc_sync"]
    assert world.asking.answer(ACME, replace(RENEW, filters=Filters(tags=("none",)))).sources == ()


@pytest.mark.parametrize(
    ("question", "error"),
    [(Question(message=""), InvalidArgument), (replace(RENEW, user_token="x"), UserTokenRefused)],
)
def test_a_refused_question_searches_and_stores_nothing(question: Question, error: type[Exception]) -> None:
    """Streams refuse it before their first event."""
    world = World()
    with pytest.raises(error):
        world.asking.answer(ACME, question)
    with pytest.raises(error):
        next(iter(world.asking.stream(ACME, question)))
    assert not world.search.queries


def test_without_the_search_there_is_no_answer() -> None:
    """The error says that later may be better; nothing is stored."""
    world = World()
    world.search.failure = Unavailable("no search")
    with pytest.raises(Unavailable):
        world.asking.answer(ACME, RENEW)
    with pytest.raises(Unavailable):
        next(iter(world.asking.stream(ACME, RENEW)))


@pytest.mark.parametrize("message", [RENEW.message, "How do I export my notes?", "Who won the cup in 1966?"])
def test_a_stream_tells_the_same(message: str) -> None:
    """Sources first, pieces that join to the answer, each citation after its text, the whole at the end."""
    world = World()
    events = list(world.asking.stream(ACME, Question(message=message)))
    completed = events[-1]
    assert isinstance(completed, Completed)
    answer = completed.answer
    assert events[0] == SourcesFound(answer.sources)
    assert "".join(event.text for event in events if isinstance(event, Delta)) == answer.text
    assert tuple(event for event in events if isinstance(event, Citation)) == answer.citations
    so_far = 0
    for event in events:
        if isinstance(event, Delta):
            so_far += len(event.text)
        if isinstance(event, Citation):
            assert event.end <= so_far
    assert len(world.transcripts.turns(ACME.workspace_id, answer.conversation_id)) == 1


def test_exact_questions_have_equal_answers() -> None:
    """All but the ids is the same, and the search is told."""
    world = World()
    question = replace(RENEW, exact=True)
    one, other = world.asking.answer(ACME, question), world.asking.answer(ACME, question)
    assert replace(one, conversation_id="", message_id="") == replace(
        other, conversation_id="", message_id=""
    )
    assert all(query.exact for query in world.search.queries)


def test_a_look_up_returns_passages() -> None:
    """Best first, as many as wanted."""
    world = World()
    results = world.asking.look_up(ACME, Lookup(message="export notes", max_results=2))
    assert results.passages[0].document_id == "doc_export"
    assert len(results.passages) == 2
    assert results.revision == 7


@pytest.mark.parametrize(
    ("message", "least", "suggested"),
    [
        (RENEW.message, 0, False),
        (RENEW.message, 1, True),
        ("I want to speak to a human about the Pro plan.", 0, True),
    ],
)
def test_when_a_person_is_suggested(message: str, least: float, suggested: bool) -> None:
    """Where there is no answer, and where one was asked for."""
    answer = World().asking.answer(ACME, Question(message=message, min_confidence=least))
    assert answer.escalation_suggested is suggested


def test_documents_for_authenticated_users_are_found_for_verified_ones_alone() -> None:
    """For answers, streams and look-ups alike; without a token, or with the filters' own word, never."""
    world = World()
    for token, opened in (("token-of-ann", True), ("", False)):
        world.search.queries.clear()
        world.asking.answer(ACME, replace(RENEW, user_token=token))
        list(world.asking.stream(ACME, replace(RENEW, user_token=token)))
        world.asking.look_up(ACME, Lookup(message=RENEW.message, user_token=token))
        world.asking.look_up(
            ACME, Lookup(RENEW.message, user_token=token, filters=Filters(authenticated=True))
        )
        assert [query.filters.authenticated for query in world.search.queries] == [opened] * 4


def test_the_turn_names_its_end_user() -> None:
    """Nobody, where no token said who asks."""
    world = World()
    for token, end_user in (("token-of-ann", EndUser("shop", "ann")), ("", None)):
        answer = world.asking.answer(ACME, replace(RENEW, user_token=token))
        (turn,) = world.transcripts.turns(ACME.workspace_id, answer.conversation_id)
        assert turn.end_user == end_user


def test_a_conversation_is_bound_to_the_first_end_user_who_speaks_in_it() -> None:
    """Begun without a token it is open; with Ann's it is hers, and to all others not there."""
    world = World()
    begun = world.asking.answer(ACME, RENEW).conversation_id
    going_on = replace(RENEW, conversation_id=begun)
    world.asking.answer(ACME, going_on)
    world.asking.answer(ACME, replace(going_on, user_token="token-of-ann"))
    world.search.queries.clear()
    for token in ("", "token-of-ben"):
        stranger = replace(going_on, user_token=token)
        with pytest.raises(ConversationNotFound):
            world.asking.answer(ACME, stranger)
        with pytest.raises(ConversationNotFound):
            next(iter(world.asking.stream(ACME, stranger)))
        with pytest.raises(ConversationNotFound):
            world.asking.look_up(ACME, Lookup(RENEW.message, begun, user_token=token))
    assert not world.search.queries
    world.asking.answer(ACME, replace(going_on, user_token="token-of-ann"))
    assert len(world.transcripts.turns(ACME.workspace_id, begun)) == 4


def test_nobody_passes_for_anonymous_while_tokens_cannot_be_verified() -> None:
    """A question with a token waits for better times, whatever the token; one without is answered."""
    world = World()
    world.end_users.failure = Unavailable("away")
    for token in ("token-of-ann", "nonsense"):
        with pytest.raises(Unavailable):
            world.asking.answer(ACME, replace(RENEW, user_token=token))
        with pytest.raises(Unavailable):
            next(iter(world.asking.stream(ACME, replace(RENEW, user_token=token))))
        with pytest.raises(Unavailable):
            world.asking.look_up(ACME, Lookup(RENEW.message, user_token=token))
    assert not world.search.queries
    assert world.asking.answer(ACME, RENEW).answered


def test_explanations_are_for_secret_keys() -> None:
    """A publishable key stands in a page: it may ask, with metadata, but not how the answer came about."""
    world, visitor = World(), replace(ACME, publishable=True)
    assert world.asking.answer(visitor, replace(RENEW, metadata={"page": "/help"})).answered
    for ask in (world.asking.answer, lambda *asked: list(world.asking.stream(*asked))):
        with pytest.raises(ExplanationRefused) as refused:
            ask(visitor, replace(RENEW, explain=True))
        assert refused.value.reason == "PUBLISHABLE_KEY_REFUSED"
    assert world.asking.answer(ACME, replace(RENEW, explain=True)).explanation is not None
