"""What kind of words a question wants back: a number, a date, a name, steps, a yes or no."""

import re
from collections.abc import Callable

Fits = Callable[[str], bool]

_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|"
    r"billion|half|third|quarter|none|unlimited|no limit|free|percent)\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\d|\b(?:january|february|march|april|may|june|july|august|september|october|november|december|monday|"
    r"tuesday|wednesday|thursday|friday|saturday|sunday|century|immediately|daily|weekly|monthly|yearly|every|"
    r"after|before|once|until|within)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=\S )[\"'“(]?[A-Z]\w")
_STEP = re.compile(
    r"\b(?:click|select|choose|open|go to|tap|press|navigate|enter|add|set|run|install|use|using|create|"
    r"enable|disable|toggle|visit|type|call|configure|turn (?:on|off)|you can|sign|log|hold|tick|scan|"
    r"write to|(?:un)?plug)\b",
    re.IGNORECASE,
)
_YES_NO = re.compile(
    r"\W*(?:yes|no|yep|nope|currently|unfortunately|not)\b|.*\b(?:not|no|can|will|never|always|only)\b",
    re.IGNORECASE | re.DOTALL,
)
_REASON = re.compile(
    r"\b(?:because|due to|so that|since|reason|cause[sd]?|result|therefore|in order to|to (?:avoid|"
    r"prevent|protect|keep|help|ensure|make))\b",
    re.IGNORECASE,
)

_RULES: tuple[tuple[re.Pattern[str], Fits], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), fits)
    for pattern, fits in (
        (
            r"\bhow (?:many|much|long|old|far|often|fast|big|large|tall|high|deep)\b|"
            r"\bwhat (?:percent|number|price|amount|age)|"
            # Not however far apart: a question that repeats "what is" would cost its length squared.
            r"\bwhat (?:do|does|will|would|is|are)\b.{0,200}\b(?:costs?|prices?)\b",
            lambda text: bool(_NUMBER.search(text)),
        ),
        (
            r"\bwhen\b|\b(?:what|which|in what) (?:year|date|day|month|century|time|decade)\b",
            lambda text: bool(_DATE.search(text)),
        ),
        (r"\b(?:who|whose|whom)\b", lambda text: bool(_NAME.search(text))),
        (
            r"\bwhere\b|\b(?:what|which) (?:city|country|place|state|region)\b",
            lambda text: bool(_NAME.search(text)),
        ),
        (r"\bwhy\b|\bwhat (?:causes?|caused|is the reason)\b", lambda text: bool(_REASON.search(text))),
        (r"\bhow (?:do|can|could|should|would|to|does one)\b", lambda text: bool(_STEP.search(text))),
        (
            r"^\W*(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|may|must)\b",
            lambda text: bool(_YES_NO.match(text)),
        ),
    )
)


def fits(question: str) -> Fits | None:
    """Return what tells whether a sentence is of the kind that the question wants, None where any will do."""
    return next((fits for pattern, fits in _RULES if pattern.search(question)), None)


_STEPS = re.compile(
    r"\bhow (?:do|can|could|should|would|to|does one)\b|\bsteps?\b|"
    r"\bwie (?!lange|viel|oft|hoch|gro|weit|alt)",
    re.IGNORECASE,
)
_ITEMS = re.compile(
    r"\blist\b|\bwelche\b|\b(?:which|what) (?!does|is|was|has|happens|means|causes)\w+s\b|\bwhat are\b|"
    r"\bwhat (?:should|must|do|can) (?:i|we)\b",
    re.IGNORECASE,
)


def wants_steps(question: str) -> bool:
    """Tell whether a question asks how to do something: numbered steps answer it better than a sentence."""
    return bool(_STEPS.search(question))


def wants_items(question: str) -> bool:
    """Tell whether a question wants several things: a list answers it better than a sentence."""
    return bool(_ITEMS.search(question))
