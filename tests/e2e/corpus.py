"""A few pages of help of two invented shops that both sell tea, with different rules; and the sample."""

from __future__ import annotations

from pathlib import Path

SAMPLE = Path(__file__).parents[2] / "deploy" / "local" / "sample_kb"
QUESTION = "How many days do I have to return an opened tin of tea?"

LEAF = {
    "orders/returns.md": (
        "---\ntitle: Returns\ntags: [orders, returns]\nurl: https://help.leaf.example/returns\n"
        "locale: en\n---\n"
        "# Returns\n\nYou can return an opened tin of tea within 17 days of delivery. "
        "We refund the price to your card.\n\n"
        "## Postage\n\nWe pay the postage of a return when the tin was damaged on its way to you.\n"
    ),
    "orders/delivery.md": (
        "# Delivery\n\nA parcel leaves our house in Ghent on the next working day. "
        "Delivery inside Belgium takes two days, elsewhere in Europe five days.\n\n"
        "## Tracking\n\nThe tracking number is in the message that tells you that the parcel has left.\n"
    ),
    "account/password.markdown": (
        "---\ntitle: Forgotten password\ntags: account, security\n---\n"
        "Choose *Forgotten password* on the sign-in page. The link in the message is valid for 40 minutes.\n"
    ),
    "storage.txt": "Keep tea dry and dark. An opened tin keeps its taste for six months.\n",
    "drafts/empty.md": "---\ntitle: To be written\n---\n",
}
POT = {
    "returns.md": (
        "# Returns\n\nYou can return an opened tin of tea within 44 days of delivery. "
        "You get a voucher for the price.\n"
    ),
}


def write(folder: Path, pages: dict[str, str]) -> Path:
    """Writes pages below a folder and returns it."""
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
