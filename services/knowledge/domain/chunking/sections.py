"""The outline of a document: which pieces stand under which headings."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.knowledge.domain.chunking.blocks import Block, Heading, Kind, Piece

# A longer "heading" is a paragraph that somebody made large.
MAX_HEADING = 200


@dataclass
class Section:
    """A heading, the pieces right below it, and the sections inside it."""

    path: tuple[Heading, ...]
    pieces: list[Piece] = field(default_factory=list)
    children: list["Section"] = field(default_factory=list)


def outline(blocks: Iterable[Block], title: str) -> Section:
    """
    Return the whole document as a section with an empty path.

    The first heading is left out where it only repeats the document's title. A heading with nothing below it
    is text of the section around it, so that it can be found.
    """
    root = Section(())
    stack = [root]
    for number, block in enumerate(blocks):
        if isinstance(block, Piece):
            stack[-1].pieces.append(block)
        elif len(block.text) > MAX_HEADING:
            stack[-1].pieces.append(Piece(Kind.PARAGRAPH, block.text))
        elif number > 0 or block.text.casefold() != title.strip().casefold():
            while stack[-1].path and stack[-1].path[-1].level >= block.level:
                stack.pop()
            section = Section((*stack[-1].path, block))
            stack[-1].children.append(section)
            stack.append(section)
    _keep_bare_headings(root)
    return root


def _keep_bare_headings(section: Section) -> None:
    for place, child in enumerate(section.children):
        if child.pieces or child.children:
            _keep_bare_headings(child)
        else:
            text = Piece(Kind.PARAGRAPH, child.path[-1].text)
            section.children[place] = Section(section.path, [text])
