"""What filters need of a collection's documents."""

import numpy as np

from services.vector_search.domain.filters import Filter, locale_fits
from services.vector_search.domain.passages import Document
from services.vector_search.index.rows import Mask

_UNKNOWN = -1


class DocumentTable:
    """
    Numbers documents and says which of them a filter allows.

    A document gets its number when it or a passage of it is first seen, and keeps it. One that is not known
    yet, or gone, is never allowed. Not synchronised.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._visible: list[bool] = []
        self._authenticated: list[bool] = []
        self._locales: list[int] = []
        self._locale_codes: dict[str, int] = {}
        self._tags: dict[str, set[int]] = {}
        self._tags_of: dict[int, tuple[str, ...]] = {}

    def number_of(self, document_id: str) -> int:
        """Return a document's number, a new one where it was never seen."""
        number = self._numbers.get(document_id)
        if number is None:
            number = self._numbers[document_id] = len(self._visible)
            self._visible.append(False)
            self._authenticated.append(False)
            self._locales.append(_UNKNOWN)
        return number

    def put(self, document: Document) -> None:
        """Take a document's attributes as they are now."""
        number = self.number_of(document.document_id)
        self._forget_tags(number)
        self._visible[number] = document.active
        self._authenticated[number] = document.authenticated
        self._locales[number] = self._locale_codes.setdefault(document.locale, len(self._locale_codes))
        self._tags_of[number] = document.tags
        for tag in document.tags:
            self._tags.setdefault(tag, set()).add(number)

    def remove(self, document_id: str) -> None:
        """Never allow a document again, until it is put again."""
        number = self.number_of(document_id)
        self._forget_tags(number)
        self._visible[number] = False

    def allowed(self, wanted: Filter) -> Mask:
        """Return which documents a filter allows, by number."""
        mask = np.array(self._visible, dtype=np.bool_)
        if not wanted.include_authenticated:
            mask &= ~np.array(self._authenticated, dtype=np.bool_)
        if wanted.locale:
            codes = [
                code for locale, code in self._locale_codes.items() if locale_fits(wanted.locale, locale)
            ]
            mask &= np.isin(np.array(self._locales, dtype=np.int32), codes)
        if wanted.any_tags:
            tagged = (self._tags.get(tag, set()) for tag in wanted.any_tags)
            mask &= self._only({number for numbers in tagged for number in numbers})
        for tag in wanted.all_tags:
            mask &= self._only(self._tags.get(tag, set()))
        if wanted.document_ids:
            known = (self._numbers.get(document_id) for document_id in wanted.document_ids)
            mask &= self._only({number for number in known if number is not None})
        return mask

    def _only(self, numbers: set[int]) -> Mask:
        mask = np.zeros(len(self._visible), dtype=np.bool_)
        mask[list(numbers)] = True
        return mask

    def _forget_tags(self, number: int) -> None:
        for tag in self._tags_of.pop(number, ()):
            holders = self._tags[tag]
            holders.discard(number)
            if not holders:
                del self._tags[tag]
