"""The text of an answer: a language model's where there is one and it holds, else the extract."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from services.query.domain.answer import EXTRACTIVE, Citation, Piece
from services.query.domain.generation.chat import ChatFailed
from services.query.domain.generation.generation import Generation
from services.query.domain.generation.grounding import SentenceSupport
from services.query.domain.judging import Judgement
from services.query.domain.question import Question, Said
from services.query.domain.settings.language_model import LanguageModel

_PART = "\n\n"


@dataclass
class Written:
    """The answer as far as it is written; `fallback` is why the language model's was not used."""

    answerer: str
    fallback: str = ""
    _pieces: list[Piece] = field(default_factory=list)

    def add(self, piece: Piece) -> Piece:
        """Add a piece whose citations count from the text's beginning, and return it."""
        self._pieces.append(piece)
        return piece

    def add_text(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Add a text of its own, and yield its pieces, their citations moved behind what stands before it."""
        offset = len(self.text)
        for piece in pieces:
            citations = tuple(
                Citation(each.start + offset, each.end + offset, each.source_index)
                for each in piece.citations
            )
            yield self.add(Piece(piece.text, citations))

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(piece.text for piece in self._pieces)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """All citations, in their order."""
        return tuple(citation for piece in self._pieces for citation in piece.citations)


class Writing:
    """Has a workspace's language model write, and checks what it wrote."""

    def __init__(self, generation: Generation, support: SentenceSupport) -> None:
        self._generation = generation
        self._support = support

    def pieces(
        self,
        question: Question,
        history: Sequence[Said],
        judgement: Judgement,
        model: LanguageModel,
        written: Written,
        seconds: float | None,
        *,
        at_once: bool,
    ) -> Iterator[Piece]:
        """
        Yield the answer, and add it to `written`; never fails.

        Where the model fails, the extract stands in its place. Pieces that were told already can't be taken
        back: the extract follows them then, unless `at_once` says that nobody has heard them.
        """
        generated = self._generation.pieces(
            question.message,
            history,
            judgement.passages,
            model,
            exact=question.exact,
            support=self._support,
            seconds=seconds,
        )
        heard: list[Piece] = []
        try:
            if at_once:
                heard = list(generated)
            else:
                for piece in generated:
                    heard.append(written.add(piece))
                    yield piece
        except ChatFailed as failed:
            written.answerer, written.fallback = EXTRACTIVE, failed.reason.value
            if heard:
                yield written.add(Piece(_PART))
            yield from written.add_text(judgement.draft.pieces)
            return
        written.answerer = model.model
        if at_once:
            yield from (written.add(piece) for piece in heard)
