"""Which documents an answer shows something of."""

from supportagent.query.v1 import query_service_pb2 as pb


def shown_documents(message: pb.QueryResponse | pb.StreamQueryResponse) -> frozenset[str]:
    """Return the ids of the documents that an answer, or an event of one, names: as a source or a passage."""
    if isinstance(message, pb.StreamQueryResponse):
        sources = frozenset(each.document_id for each in message.sources.items)
        return _named(sources | shown_documents(message.completed))
    return _named(
        {each.document_id for each in message.sources}
        | {each.document_id for each in message.explanation.passages}
    )


def _named(ids: frozenset[str] | set[str]) -> frozenset[str]:
    # A source that is an action has no document.
    return frozenset(filter(None, ids))
