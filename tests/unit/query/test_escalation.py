"""Users who ask for a person."""

import pytest

from services.query.domain.escalation import asks_for_person


@pytest.mark.parametrize(
    "message",
    [
        "I want to speak to a human.",
        "talk to someone",
        "Can you connect me with a real person, please?",
        "transfer me to customer service",
        "I need an agent",
        "Are you a human?",
        "GIVE ME A REPRESENTATIVE",
        "This does not help. Please escalate this to a supervisor.",
        "Kann ich mit einem Menschen sprechen?",
        "Ich will mit einer echten Mitarbeiterin sprechen",
    ],
)
def test_asked_for(message: str) -> None:
    """In English and German, in many words."""
    assert asks_for_person(message)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "How do I export my notes?",
        "How many people may a team have?",
        "Can I talk about my bill? A person told me to.",
        "Which human languages are supported?",
        "speak",
        "How do I transfer ownership to another person?",
        "Whom do I call to forward a delivery to someone?",
    ],
)
def test_not_asked_for(message: str) -> None:
    """A person is spoken of, or none; a sentence ends what belongs together."""
    assert not asks_for_person(message)
