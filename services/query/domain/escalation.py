"""Users who ask for a person."""

import re

_PERSON = (
    r"(?:real |live |actual )?(?:human|person|agent|representative|operator|somebody|someone|advisor|"
    r"supervisor|staff|support team|customer (?:service|support|care))"
)
_WANTS = re.compile(
    rf"\b(?:speak|talk|chat) (?:directly )?(?:to|with) (?:an?|the|your|one of your)? ?{_PERSON}\b|"
    rf"\b(?:connect|transfer|forward|escalate|put|hand) (?:me|this|it)\b[^.?!]{{0,20}}\b{_PERSON}\b|"
    rf"\b(?:want|need|get me|give me|are you|is this) an? {_PERSON}\b|"
    r"\b(?:mit|an) (?:einem|einer|einen) (?:echten |richtigen )?"
    r"(?:menschen|mitarbeiter(?:in)?|kundenberater(?:in)?|person)\b",
    re.IGNORECASE,
)


def asks_for_person(message: str) -> bool:
    """Tell whether a message asks for a person instead of the bot, in English or German."""
    return bool(_WANTS.search(message))
