"""The `Idempotency-Key` of a request."""

import grpc
from google.protobuf.message import Message

from services.knowledge.domain.ports.answers import IdempotentRequest
from services.runtime.idempotency import request_hash
from services.runtime.interceptors.caller import caller, request_header


def idempotent(request: Message, context: grpc.ServicerContext) -> IdempotentRequest | None:
    """Return what makes a request repeatable; None where it carries no key."""
    key = request_header(context, "idempotency-key")
    if not key:
        return None
    return IdempotentRequest(
        principal=caller(context).key_id,
        method=request.DESCRIPTOR.full_name,
        key=key,
        body_hash=request_hash(request.SerializeToString(deterministic=True)),
    )
