"""Documents of made-up pages, cut as the indexer cuts them, and the texts that it embeds for them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from services.embedding.domain.embedder import Embedder
from services.knowledge.domain.chunk_vectors import texts
from services.knowledge.domain.chunking.chunker import Chunker
from services.knowledge.domain.chunking.passage import MAX_CHUNKS, chunks
from services.knowledge.domain.document import ContentType, DocumentId
from services.knowledge.extraction.extractor import extract
from tests.bench.texts import passages

_SENTENCES = 20_000
# As help pages have them: a title, some headings, a paragraph or two below each.
_SECTIONS = (4, 10)
_SENTENCES_OF_SECTION = (3, 6)
_MANY_UNITS = MAX_CHUNKS * 100


@dataclass(frozen=True)
class Page:
    """A document as it is sent, and what the indexer has the model embed for it."""

    body: dict[str, str]
    chunks: int
    texts: tuple[str, ...]


class Pages:
    """As many different pages as are wanted; the same ones for the same name."""

    def __init__(self, embedder: Embedder) -> None:
        self._sentences = [_sentence(each) for each in passages(_SENTENCES)]
        self._chunker = Chunker(embedder.count_tokens)

    def of(self, name: str, chunks_wanted: int) -> list[Page]:
        """Return pages that have at least so many chunks in all."""
        found: list[Page] = []
        for number in _numbers():
            if chunks_wanted <= 0:
                return found
            found.append(self._page(f"{name}-{number}"))
            chunks_wanted -= found[-1].chunks
        raise AssertionError

    def note(self, name: str) -> dict[str, str]:
        """Return a document of one short paragraph."""
        sentence = random.Random(name).choice(self._sentences)
        return {"external_id": name, "title": f"Note {name}", "content": f"{sentence}\n"}

    def questions(self, count: int) -> list[str]:
        """Return texts to ask with, as long as people type them."""
        chosen = random.Random("questions").sample(self._sentences, count)
        return [" ".join(each.split()[:12]) for each in chosen]

    def _page(self, name: str) -> Page:
        chance = random.Random(name)
        title = _headline(chance.choice(self._sentences))
        parts = []
        for _ in range(chance.randint(*_SECTIONS)):
            sentences = chance.sample(self._sentences, chance.randint(*_SENTENCES_OF_SECTION))
            middle = len(sentences) // 2
            parts.append(f"## {_headline(chance.choice(self._sentences))}")
            parts += [" ".join(sentences[:middle]), " ".join(sentences[middle:])]
        content = "\n\n".join(parts) + "\n"
        cut = self._chunker.passages(extract(content.encode(), ContentType.MARKDOWN), title)
        made = chunks(DocumentId(name), title, cut, _MANY_UNITS)
        embedded = tuple(dict.fromkeys(text for each in made for text in texts(each)))
        body = {"external_id": name, "title": title, "content": content}
        return Page(body, len(made), embedded)


def _numbers() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


def _sentence(text: str) -> str:
    text = text.strip().rstrip(".,;:!?")
    return f"{text[0].upper()}{text[1:]}."


def _headline(sentence: str) -> str:
    return " ".join(sentence.rstrip(".").split()[:4])
