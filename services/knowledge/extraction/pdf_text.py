"""What stands on the pages of a PDF: words with their places and fonts, by PDFium."""

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

from services.knowledge.domain.errors import IndexingFailed

MAX_PAGES = 5000
# What may be on all pages together; 2,000 passages have about 3 million.
MAX_CHARACTERS = 8_000_000
# PDFium's mark of a hyphen that parts a word at the end of a line.
_HYPHEN = "\ufffe"
_FIXED_PITCH, _FORCE_BOLD = 1 << 0, 1 << 18
_BOLD_NAMES = ("bold", "black", "heavy", "cmbx")
_MONO_NAMES = ("mono", "courier", "consolas", "menlo", "cmtt", "typewriter")
_BOLD_WEIGHT = 600


@dataclass(frozen=True)
class Word:
    """
    Characters without a space between them.

    Places are in points from the page's lower left corner; `y` is the base of the line. `size` is the font's
    in points, as it is seen. `broken`: it goes on in the next line.
    """

    text: str
    left: float
    right: float
    y: float
    size: float
    bold: bool
    mono: bool
    broken: bool = False


@dataclass(frozen=True)
class PageText:
    """The lines of a page in their reading order."""

    height: float
    lines: tuple[tuple[Word, ...], ...]


def pages_of(content: bytes) -> Iterator[PageText]:
    """
    Yield the pages.

    Raises:
        IndexingFailed: ENCRYPTED_DOCUMENT, EXTRACTION_TOO_LARGE or EXTRACTION_FAILED.
    """
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise IndexingFailed("ENCRYPTED_DOCUMENT", "The document is protected by a password.") from None
        raise IndexingFailed("EXTRACTION_FAILED", "The file is no PDF, or it is damaged.") from None
    try:
        if len(document) > MAX_PAGES:
            raise IndexingFailed("EXTRACTION_TOO_LARGE", f"It has more than {MAX_PAGES} pages.")
        characters = 0
        for number in range(len(document)):
            try:
                page = document[number]
            except pypdfium2.PdfiumError:  # one damaged page of many
                continue
            text = page.get_textpage()
            characters += text.count_chars()
            if characters > MAX_CHARACTERS:
                raise IndexingFailed("EXTRACTION_TOO_LARGE", f"It has more than {MAX_CHARACTERS} characters.")
            yield PageText(page.get_height(), tuple(_lines(text)))
            text.close()
            page.close()
    finally:
        document.close()


def _lines(text: pypdfium2.PdfTextPage) -> Iterator[tuple[Word, ...]]:
    line: list[Word] = []
    letters: list[str] = []
    first = last = 0
    reader = _Reader(text.raw)

    def end_word(broken: bool = False) -> None:
        if letters:
            line.append(reader.word("".join(letters), first, last, broken))
            letters.clear()

    for place in range(text.count_chars()):
        character = chr(pdfium.FPDFText_GetUnicode(text.raw, place))
        if character in (_HYPHEN, "\x02"):
            end_word(broken=True)
        if character in ("\r", "\n", _HYPHEN, "\x02"):
            end_word()
            if line:
                yield tuple(line)
            line = []
        elif character.isspace():
            end_word()
        elif not _is_readable(character):
            continue
        else:
            if not letters:
                first = place
            last = place
            letters.append(character)
    end_word()
    if line:
        yield tuple(line)


def _is_readable(character: str) -> bool:
    code = ord(character)
    return code >= 0x20 and not 0x7F <= code < 0xA0 and not 0xD800 <= code < 0xE000 and code != 0xAD


class _Reader:
    """Asks PDFium where and how a character stands; its answers come in buffers that are made once."""

    def __init__(self, text: pdfium.FPDF_TEXTPAGE) -> None:
        self._text = text
        self._box = [ctypes.c_double() for _ in range(4)]
        self._origin = [ctypes.c_double() for _ in range(2)]
        self._matrix = pdfium.FS_MATRIX()
        self._flags = ctypes.c_int()
        self._name = ctypes.create_string_buffer(128)

    def word(self, letters: str, first: int, last: int, broken: bool) -> Word:
        """Return the word from one character to another."""
        left, _ = self._sides(first)
        left_of_last, right = self._sides(last)
        # Right to left, the first character is the rightmost.
        left, right = min(left, left_of_last), max(right, left)
        pdfium.FPDFText_GetCharOrigin(self._text, first, *self._origin)
        bold, mono = self._font(first)
        return Word(letters, left, right, self._origin[1].value, self._size(first), bold, mono, broken)

    def _sides(self, place: int) -> tuple[float, float]:
        pdfium.FPDFText_GetCharBox(self._text, place, *self._box)
        return self._box[0].value, self._box[1].value

    def _size(self, place: int) -> float:
        size = pdfium.FPDFText_GetFontSize(self._text, place)
        if pdfium.FPDFText_GetMatrix(self._text, place, self._matrix):
            size *= math.hypot(self._matrix.c, self._matrix.d)
        return round(size * 2) / 2 if math.isfinite(size) else 0.0

    def _font(self, place: int) -> tuple[bool, bool]:
        length = pdfium.FPDFText_GetFontInfo(self._text, place, self._name, len(self._name), self._flags)
        name = self._name.value.decode("utf-8", "replace").lower() if 0 < length <= len(self._name) else ""
        flags = self._flags.value
        bold = (
            bool(flags & _FORCE_BOLD)
            or any(each in name for each in _BOLD_NAMES)
            or pdfium.FPDFText_GetFontWeight(self._text, place) >= _BOLD_WEIGHT
        )
        return bold, bool(flags & _FIXED_PITCH) or any(each in name for each in _MONO_NAMES)
