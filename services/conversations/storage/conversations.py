"""Conversations in the database."""

from dataclasses import replace

import sqlalchemy as sa

from services.conversations.domain.conversation import Conversation, Transcript, Turn
from services.conversations.domain.listing import Filters
from services.conversations.storage import rows
from services.conversations.storage.schema import conversations, messages
from services.kernel.errors import InvalidArgument, Violation
from services.kernel.ids import WorkspaceId
from services.kernel.pages import Place
from services.runtime.database import Database, UtcDateTime


class StoredConversations:
    """Implements `Conversations`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, workspace_id: WorkspaceId, turn: Turn) -> bool:
        """
        Store a turn; return whether it was new.

        Raises:
            InvalidArgument: the question's id is in use.
            ConversationNotFound: the conversation is bound to somebody else.
        """
        with self._database.write() as connection:
            if _is_known(connection, workspace_id, turn):
                return False
            conversation = self._locked(connection, workspace_id, turn)
            # The same turn may have come in while this one waited for the lock.
            if _is_known(connection, workspace_id, turn):
                return False
            grown = conversation.after(turn)
            said = [
                {
                    "workspace_id": workspace_id,
                    "conversation_id": conversation.id,
                    "seq": conversation.message_count + number,
                    **rows.from_message(message),
                }
                for number, message in enumerate((turn.question, turn.answer), start=1)
            ]
            connection.execute(sa.insert(messages), said)
            connection.execute(
                sa.update(conversations)
                .where(_is(workspace_id, conversation.id))
                .values(rows.from_conversation(grown))
            )
        return True

    def newest(self, workspace_id: WorkspaceId, conversation_id: str, limit: int) -> Transcript | None:
        """Return a conversation with its newest messages; None where there is none."""
        newest_first = _messages_of(workspace_id, conversation_id).order_by(
            messages.c.created_at.desc(), messages.c.seq.desc()
        )
        found = self._transcript(workspace_id, conversation_id, newest_first.limit(limit))
        return None if found is None else replace(found, messages=found.messages[::-1])

    def get(self, workspace_id: WorkspaceId, conversation_id: str) -> Transcript | None:
        """Return a conversation with all its messages; None where there is none."""
        said = _messages_of(workspace_id, conversation_id).order_by(messages.c.created_at, messages.c.seq)
        return self._transcript(workspace_id, conversation_id, said)

    def page(
        self, workspace_id: WorkspaceId, filters: Filters, size: int, after: Place | None
    ) -> list[Conversation]:
        """Return at most `size` conversations that fit after a place, newest first."""
        age = (conversations.c.created_at, conversations.c.id)
        query = (
            sa.select(conversations)
            .where(conversations.c.workspace_id == workspace_id, *_conditions(filters))
            .order_by(*(column.desc() for column in age))
            .limit(size)
        )
        if after is not None:
            place = sa.tuple_(sa.literal(after.created_at, UtcDateTime), sa.literal(after.id))
            query = query.where(sa.tuple_(*age) < place)
        with self._database.read() as connection:
            return [rows.to_conversation(row) for row in connection.execute(query)]

    def _transcript(
        self, workspace_id: WorkspaceId, conversation_id: str, said: sa.Select[tuple[object, ...]]
    ) -> Transcript | None:
        conversation = sa.select(conversations).where(_is(workspace_id, conversation_id))
        with self._database.read() as connection:
            row = connection.execute(conversation).first()
            if row is None:
                return None
            found = [rows.to_message(each) for each in connection.execute(said)]
        return Transcript(rows.to_conversation(row), found)

    def _locked(self, connection: sa.Connection, workspace_id: WorkspaceId, turn: Turn) -> Conversation:
        """Return the turn's conversation, begun where it is new, with its row locked until the commit."""
        begun = Conversation.begin(turn)
        connection.execute(
            self._database.insert(conversations)
            .values(workspace_id=workspace_id, **rows.from_conversation(begun))
            .on_conflict_do_nothing(index_elements=["workspace_id", "id"])
        )
        this = sa.select(conversations).where(_is(workspace_id, begun.id)).with_for_update()
        return rows.to_conversation(connection.execute(this).one())


def _is(workspace_id: WorkspaceId, conversation_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        conversations.c.workspace_id == workspace_id, conversations.c.id == rows.storable(conversation_id)
    )


def _messages_of(workspace_id: WorkspaceId, conversation_id: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(messages).where(
        messages.c.workspace_id == workspace_id,
        messages.c.conversation_id == rows.storable(conversation_id),
    )


def _is_known(connection: sa.Connection, workspace_id: WorkspaceId, turn: Turn) -> bool:
    query = sa.select(messages.c.id).where(
        messages.c.workspace_id == workspace_id, messages.c.id.in_([turn.question.id, turn.answer.id])
    )
    known = set(connection.scalars(query))
    if turn.answer.id in known:
        return True
    if known:
        raise InvalidArgument.of([Violation("/user_message/id", "is the id of another turn's message")])
    return False


def _conditions(filters: Filters) -> list[sa.ColumnElement[bool]]:
    wanted = {
        conversations.c.channel: rows.storable(filters.channel),
        conversations.c.user_id: rows.storable(filters.user_id),
        conversations.c.answered: filters.answered,
    }
    conditions = [column == value for column, value in wanted.items() if value is not None]
    if filters.created_after is not None:
        conditions.append(conversations.c.created_at > filters.created_after)
    if filters.created_before is not None:
        conditions.append(conversations.c.created_at < filters.created_before)
    return conditions
