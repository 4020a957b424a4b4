"""The passages that these tests answer from."""

from services.query.domain.passage import Passage


def a_page(
    text: str, *, document: str = "doc_a", title: str = "A page", headings: tuple[str, ...] = ()
) -> Passage:
    """Return a passage that came without its units."""
    return Passage(
        chunk_id=f"{document}-0",
        document_id=document,
        title=title,
        url=f"https://help.example/{document}",
        heading_path=headings,
        text=text,
        ordinal=0,
        score=0.5,
        dense=0.5,
        lexical=5.0,
    )


PLANS = a_page(
    "The Pro plan costs 12 euros a month. The Pro plan renews on the third day of each month. "
    "You can cancel it at any time in your account.",
    document="doc_plans",
    title="Plans and prices",
)
TEAMS = a_page(
    "Teams share notebooks. A team costs 9 euros a month for each member. Guests are free.",
    document="doc_teams",
    title="Teams",
)
EXPORT = a_page(
    "To export your notes, do this:\n\n1. Open the settings.\n2. Choose Export.\n3. Pick a folder.\n\n"
    "Guests can't export notes. Members can export notes to PDF, but not to Word.\n"
    "Refunds are paid within 14 days after cancellation. Run `notes export --all` for all of them.",
    document="doc_export",
    title="Exporting notes",
)
PAGES = (PLANS, TEAMS, EXPORT)
