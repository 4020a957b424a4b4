"""What models say around an answer: greetings, closing remarks, refusals. None of it is a claim."""

import re

from services.query.domain.generation.prompt import NOTHING

_OPENING = re.compile(
    r"(?:(?:sure|certainly|of course|absolutely|okay|ok|great|hi|hello|hey(?: there)?|good question|"
    r"great question|thank(?:s| you)(?: for [^.,!:]*)?|"
    r"i(?:['’]d| would) be happy to help(?: you)?(?: with that)?|"
    r"i(?:['’]m| am) happy to help(?: you)?(?: with that)?|happy to help|gerne|natürlich|bien sûr|claro)"
    r"\s*[,!.:–-]+\s*)+",
    re.IGNORECASE,
)
_ACCORDING = re.compile(
    r"(?:based on|according to|as (?:stated|described|mentioned|explained) in|from)\s+"
    r"(?:the\s+|these\s+|this\s+)?"
    r"(?:provided\s+|given\s+|above\s+|numbered\s+)?"
    r"(?:passages?|context|information|documentation|documents?|sources?|text)"
    r"(?:\s+(?:provided|given|above|\d+))?"
    r"(?:\s+(?:and|,)\s*\d+)*\s*,\s*",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"(?:(?:i )?hope (?:this|that) helps|let me know|feel free|"
    r"please (?:let me know|feel free|don['’]t hesitate)|"
    r"don['’]t hesitate|if you (?:have|need|would like|want) (?:any|more|further|other|additional) |"
    r"is there anything else|have a (?:great|nice|good)|you(?:['’]re| are) welcome|"
    r"i(?:['’]d| would) be happy|i(?:['’]m| am) (?:here|happy|glad) to|glad to help|"
    r"thank(?:s| you) for (?:asking|your|reaching))",
    re.IGNORECASE,
)
_HERE_IS = re.compile(
    r"(?:here(?:['’]s| is| are)|below (?:is|are)|the (?:answer|steps) (?:is|are)|the following)\b"
    r"[^.!?]*[:.]$",
    re.IGNORECASE,
)
_NOT_KNOWN = re.compile(
    r"(?:(?:i(?:['’]m| am) sorry|sorry|unfortunately|apologies)\s*,?\s*(?:but\s+)?)?"
    r"(?:(?:the|these|this|none of the|your) (?:provided |given |numbered )?"
    r"(?:passages?|context|documentation|documents?|information|sources?|text)\b.{0,40}?"
    r"(?:does not|do not|doesn['’]t|don['’]t|contains? no|mentions? no|is not|isn['’]t|not)|"
    r"i (?:do not|don['’]t|cannot|can['’]t|could not|couldn['’]t|am not able to|am unable to) "
    r"(?:know|have|find|answer|see|provide|determine|help|assist|share)|"
    r"there is no (?:information|mention|answer)|"
    r"(?:it|this|that) (?:is|was) not (?:mentioned|specified|stated|covered|described))",
    re.IGNORECASE,
)
_TOKEN = re.compile(rf"\W*{NOTHING.replace('_', '[_ -]?')}\b", re.IGNORECASE)
_BARE = re.compile(r"(?:yes|no|ja|nein|oui|non|sí|si)\s*[.!,:]*", re.IGNORECASE)


def without_opening(text: str) -> str:
    """Return a sentence without "Sure," and "According to the passages,"."""
    shorter = text
    for pattern in (_OPENING, _ACCORDING):
        if match := pattern.match(shorter):
            shorter = shorter[match.end() :]
    if shorter and shorter != text:
        shorter = shorter[0].upper() + shorter[1:]
    return shorter


def is_filler(text: str) -> bool:
    """Tell whether a sentence, its opening taken off, says nothing."""
    plain = text.strip(" *_")
    return (
        not any(each.isalnum() for each in plain)
        or _FILLER.match(plain) is not None
        or _HERE_IS.match(plain) is not None
        or without_opening(plain + " .").strip(" .") == ""
    )


def says_nothing_found(text: str) -> bool:
    """Tell whether a sentence says, by our token or in words, that the answer is not in the passages."""
    return _TOKEN.match(text) is not None or _NOT_KNOWN.match(text.strip(" *_")) is not None


def is_bare_answer(text: str) -> bool:
    """Tell whether a sentence is a yes or a no, which means something only with the next one."""
    return _BARE.fullmatch(text.strip(" *_")) is not None
