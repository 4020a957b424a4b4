"""Text of others made harmless before a model reads it: it can close no fence and speak in no role."""

import re
import unicodedata

from services.query.domain.generation.markers import MARKER

FENCES = ("passages", "passage", "conversation", "said", "question")

_OPENING = "[<＜﹤]"
_FENCE = re.compile(rf"{_OPENING}(?=\s*/?\s*(?:{'|'.join(FENCES)})\b)", re.IGNORECASE)
# Of the chat templates in use: ChatML and its kin, Llama, Mistral, Gemma, DeepSeek, Phi, reasoning models.
_BARRED = re.compile(r"<\s*[|｜]|[|｜]\s*>")
_TAG = re.compile(
    r"<(?=/?(?:s|bos|eos|pad|unk|think|thinking|start_of_turn|end_of_turn|system|assistant|user|human|"
    r"instructions?|tool_call|tool_response|tools?|function_calls?)\b[^<>]{0,40}>)",
    re.IGNORECASE,
)
_BRACKETED = re.compile(
    r"\[(/?(?:INST|SYS|SYSTEM(?:_PROMPT)?|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|PREFIX|SUFFIX|MIDDLE))\]",
    re.IGNORECASE,
)
_DOUBLE = re.compile(r"<<(?=/?\s*SYS\s*>>)", re.IGNORECASE)
_ROLE = re.compile(
    r"^([ \t>#*_-]*(?:system|assistant|user|human|ai|developer|tool|instructions?|response)[*_]*)[ \t]*[:：]",
    re.IGNORECASE | re.MULTILINE,
)

_KEPT_FORMAT = "\u200c\u200d"  # they join and part letters in several scripts
_KEPT_CONTROL = "\n\t"


def inert(text: str) -> str:
    """
    Return a text that reads the same and can't be taken for anything but data.

    Invisible characters go; what a prompt or a chat template could take for a fence, a role, a control token
    or one of our markers loses the sign that makes it one. The result depends on the text alone.
    """
    text = "".join(each for each in text.replace("\r\n", "\n").replace("\r", "\n") if _visible(each))
    text = _FENCE.sub("(", text)
    text = _DOUBLE.sub("((", text)
    text = _BARRED.sub(" ", text)
    text = _TAG.sub("(", text)
    text = _BRACKETED.sub(r"(\1)", text)
    text = _ROLE.sub(r"\1 -", text)
    return MARKER.sub(lambda match: f"({match.group()[1:-1]})", text)


def _visible(character: str) -> bool:
    if character in _KEPT_CONTROL or character in _KEPT_FORMAT:
        return True
    # Cf holds the tag characters in which instructions can be written that nobody sees, and the ones that
    # turn the direction of writing.
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co")
