"""A workspace's language model: where it is and what it may cost."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.kernel.errors import Violation
from services.query.domain.settings.endpoint_rules import (
    key_violations,
    name_violations,
    range_violations,
    url_violations,
)

MIN_TIMEOUT, MAX_TIMEOUT = 0.5, 120.0
MAX_RETRIES = 5
MIN_PROMPT_TOKENS, MAX_PROMPT_TOKENS = 512, 200_000
MIN_ANSWER_TOKENS, MAX_ANSWER_TOKENS = 16, 8_192
MAX_TEMPERATURE = 2.0


@dataclass(frozen=True)
class LanguageModel:
    """
    An endpoint that speaks OpenAI's chat protocol, and the bounds of its use.

    `base_url` is what `/chat/completions` is put behind, `key` is empty where the endpoint wants none.
    `timeout_seconds` is for the whole answer, retries included. `max_prompt_tokens` and `max_answer_tokens`
    bound what one answer costs; the first is held by an estimate. `temperature` is taken as 0 where a
    question is asked with `exact`. `rewrite` lets the model also make follow-ups into questions that stand
    alone, which costs one more call.
    """

    base_url: str
    model: str
    key: str = field(default="", repr=False)
    timeout_seconds: float = 20.0
    retries: int = 1
    max_prompt_tokens: int = 4_000
    max_answer_tokens: int = 400
    temperature: float = 0.0
    rewrite: bool = True

    def violations(self, pointer: str) -> Iterator[Violation]:
        """Yield every broken rule; `pointer` is where this object stands in the body, as RFC 6901 has it."""
        yield from url_violations(f"{pointer}/base_url", self.base_url)
        yield from name_violations(f"{pointer}/model", self.model)
        yield from key_violations(f"{pointer}/key", self.key)
        yield from range_violations(
            f"{pointer}/timeout_seconds", self.timeout_seconds, MIN_TIMEOUT, MAX_TIMEOUT
        )
        yield from range_violations(f"{pointer}/retries", self.retries, 0, MAX_RETRIES)
        yield from range_violations(
            f"{pointer}/max_prompt_tokens", self.max_prompt_tokens, MIN_PROMPT_TOKENS, MAX_PROMPT_TOKENS
        )
        yield from range_violations(
            f"{pointer}/max_answer_tokens", self.max_answer_tokens, MIN_ANSWER_TOKENS, MAX_ANSWER_TOKENS
        )
        yield from range_violations(f"{pointer}/temperature", self.temperature, 0.0, MAX_TEMPERATURE)
