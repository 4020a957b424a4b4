"""Between protobuf messages and a workspace's settings."""

import re
from typing import Any

from google.protobuf.message import Message
from supportagent.query.v1 import answering_service_pb2 as pb

from services.kernel.errors import InvalidArgument, Violation
from services.kernel.ids import WorkspaceId
from services.query.api.convert_explanation import thresholds
from services.query.domain.explanation import Thresholds
from services.query.domain.retrieval.reranking import RerankModel
from services.query.domain.settings.answering import Answering, Change
from services.query.domain.settings.language_model import LanguageModel

_NUMBERS = frozenset({"answer_characters", "min_confidence", "wanted_precision", "medium_from", "high_from"})
_WORKSPACE_ID = re.compile(r"ws_[0-9a-zA-Z_-]{1,61}")


def workspace_id(text: str) -> WorkspaceId:
    """Return the workspace; raise InvalidArgument for what can't be an id, such as a workspace's name."""
    if not _WORKSPACE_ID.fullmatch(text):
        raise InvalidArgument.of([Violation("/workspace_id", "must be the id of a workspace (ws_…)")])
    return WorkspaceId(text)


def change(patch: pb.AnsweringPatch) -> Change:
    """Return what to change, not yet checked: the fields that are present."""
    return Change(
        given={name: value for name, value in _present(patch).items() if name in _NUMBERS},
        language_model=_present(patch.language_model) if patch.HasField("language_model") else None,
        reranker=_present(patch.reranker) if patch.HasField("reranker") else None,
        clear=tuple(patch.clear),
    )


def answering(workspace: WorkspaceId, settings: Answering, bounds: Thresholds) -> pb.Answering:
    """Return settings without their secrets."""
    model, reranker = settings.language_model, settings.reranker
    return pb.Answering(
        workspace_id=workspace,
        answer_characters=settings.answer_characters,
        min_confidence=settings.min_confidence,
        wanted_precision=settings.wanted_precision,
        medium_from=settings.medium_from,
        high_from=settings.high_from,
        language_model=None if model is None else _language_model(model),
        reranker=None if reranker is None else _reranker(reranker),
        thresholds=thresholds(bounds),
    )


def _present(parts: Message) -> dict[str, Any]:
    # Their single fields are optional ones, so those that are listed were given, zeros too.
    return {field.name: value for field, value in parts.ListFields()}


def _language_model(model: LanguageModel) -> pb.LanguageModel:
    return pb.LanguageModel(
        base_url=model.base_url,
        model=model.model,
        key_set=bool(model.key),
        timeout_seconds=model.timeout_seconds,
        retries=model.retries,
        max_prompt_tokens=model.max_prompt_tokens,
        max_answer_tokens=model.max_answer_tokens,
        temperature=model.temperature,
        rewrite=model.rewrite,
    )


def _reranker(model: RerankModel) -> pb.Reranker:
    return pb.Reranker(
        base_url=model.base_url,
        model=model.model,
        key_set=bool(model.key),
        timeout_seconds=model.timeout_seconds,
    )
