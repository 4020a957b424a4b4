"""Rerankers in memory."""

from collections.abc import Mapping, Sequence

from services.query.domain.retrieval.reranking import Reranker, RerankModel


class FakeReranker:
    """A `Reranker` that knows the scores of texts by a word in them; without `words` it can't tell."""

    def __init__(self, words: Mapping[str, float] | None = None) -> None:
        self.words = words
        self.questions: list[str] = []

    def scores(self, question: str, texts: Sequence[str]) -> list[float] | None:
        """Return the scores of the words that the texts hold."""
        self.questions.append(question)
        if self.words is None:
            return None
        return [sum(score for word, score in self.words.items() if word in text) for text in texts]


class FakeRerankers:
    """`Rerankers` that are all the same one."""

    def __init__(self) -> None:
        self.reranker = FakeReranker()

    def of(self, model: RerankModel) -> Reranker:
        """Return it."""
        return self.reranker
