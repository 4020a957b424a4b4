"""Which documents a search may find."""

from dataclasses import dataclass

from services.vector_search.domain.passages import Document


@dataclass(frozen=True)
class Filter:
    """
    What may be found; all conditions hold at once, and the document is active.

    `locale` is a basic language range (RFC 4647, 3.3.1): "en" finds "en" and "en-GB", "en-GB" does not find
    "en"; a document without a locale fits every range.
    """

    any_tags: frozenset[str] = frozenset()
    locale: str = ""
    document_ids: frozenset[str] = frozenset()
    include_authenticated: bool = False
    all_tags: frozenset[str] = frozenset()

    def matches(self, document: Document) -> bool:
        """Return whether passages of the document may be found."""
        return (
            document.active
            and (self.include_authenticated or not document.authenticated)
            and (not self.any_tags or not self.any_tags.isdisjoint(document.tags))
            and self.all_tags.issubset(document.tags)
            and locale_fits(self.locale, document.locale)
            and (not self.document_ids or document.document_id in self.document_ids)
        )


EVERYTHING = Filter()


def locale_fits(wanted: str, locale: str) -> bool:
    """Return whether a document's locale is in the range that is wanted; letter case does not matter."""
    wanted, locale = wanted.lower(), locale.lower()
    return not wanted or not locale or locale == wanted or locale.startswith(wanted + "-")
