"""What in a sentence must not be made up: numbers, names, addresses, and whether it denies or turns round."""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass

from services.query.domain.text.vocabulary import STOP_WORDS, listed
from services.query.domain.text.words import folded, stem, term_set, words

_NUMBER = re.compile(r"\d[\d.,:/'’\u00a0\u202f-]*")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,'’\u00a0\u202f]\d{3})+")
_PARTS = re.compile(r"[:/-]")
_COUNTED = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15",
    "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19", "twenty": "20", "thirty": "30",
    "forty": "40", "fifty": "50", "sixty": "60", "ninety": "90",
}  # fmt: skip
_ORDINALS = {
    "one": "1", "first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5", "sixth": "6",
    "seventh": "7", "eighth": "8", "ninth": "9", "tenth": "10",
}  # fmt: skip

_URL = re.compile(r"(?:https?|ftp)://[^\s<>()\[\]\"'`|]+|www\.[^\s<>()\[\]\"'`|]+", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_DOTTED = re.compile(r"(?<![\w.@/-])[\w-]+(?:\.[\w-]+)+(?:/[^\s<>()\[\]\"'`|]*)?")
_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_TRAILING = ".,;:!?*_"

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_BEGINS = re.compile(r"(?:^|[.!?:\n]\s|[\"“„«(*_|]|[-*+•]\s|\d[.)]\s)[\"“„«(*_\s]*$")
# Every noun of German has a capital, so that there it makes no name.
_GERMAN = listed("der die das und ist nicht sie ein eine einen mit für auf zu im den dem wird werden können")

_DENIES = re.compile(
    r"\b(?:not(?!\s+only\b)|never|no(?!\.?\s*\d)(?!\s+matter\b)|none|nobody|nothing|neither|nor|cannot|without|"
    r"unable|impossible|nicht|kein\w*|nie|niemals|ohne|pas|jamais|aucun\w*|sans|nunca|ningun\w*|sin|"
    r"non(?=\s)|mai|senza|niet|geen|não|nem|sem)\b|n['’]t\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[;:()–—]|,\s|\b(?:but|because|if|unless|while|whereas|although|though|when|until|since|aber|weil|wenn|"
    r"mais|si|pero|"
    r"(?:and|or)(?=\s+(?:you|it|they|we|he|she|i|there|this|that|can|can['’]t|cannot|do|does|don['’]t|"
    r"doesn['’]t|is|are|will|won['’]t)\b))",
    re.IGNORECASE,
)
_BOUND = re.compile(_CLAUSE.pattern + r"|\b(?:and|or|und|oder|et|ou|y|o)\b", re.IGNORECASE)
_OPPOSITES = tuple(
    (frozenset(map(stem, listed(one))), frozenset(map(stem, listed(other))))
    for one, other in (
        ("before earlier", "after later"),
        ("above over exceeding", "below under"),
        ("more most", "less fewer least"),
        ("maximum max", "minimum min"),
        ("enable enabled enables enabling", "disable disabled disables disabling"),
        ("include included includes including", "exclude excluded excludes excluding"),
        ("increase increased increases", "decrease decreased decreases reduce reduced reduces"),
        ("allowed permitted", "forbidden prohibited"),
        ("possible", "impossible"),
        ("able", "unable"),
        ("public", "private"),
        ("required mandatory", "optional"),
        ("always", "never"),
    )
)


@dataclass(frozen=True)
class Clause:
    """A part of a sentence with a verb of its own, as far as signs and conjunctions tell."""

    text: str
    terms: frozenset[str]
    denied: bool


def clauses(text: str) -> list[Clause]:
    """Return the clauses that say something, in their order."""
    parts = (part.strip() for part in _CLAUSE.split(text))
    return [Clause(part, term_set(part), denies(part)) for part in parts if _says_something(part)]


def denies(text: str) -> bool:
    """Tell whether there is a negation in a text."""
    return _DENIES.search(text) is not None


def turned_round(said: Set[str], held: Set[str]) -> bool:
    """Tell whether of two sets of words the first has one side of an opposition, the second the other."""
    return any(
        (said & one and not said & two and held & two and not held & one)
        or (said & two and not said & one and held & one and not held & two)
        for one, two in _OPPOSITES
    )


def numbers(text: str) -> frozenset[str]:
    """Return the numbers of a text in one way of writing; dates, times and ranges as their parts."""
    found: set[str] = set()
    for match in _NUMBER.finditer(text):
        for part in _PARTS.split(match.group().rstrip(".,:/'’-\u00a0\u202f")):
            found.add(_plain(part))
    found.update(_COUNTED[word] for word in folded(text) if word in _COUNTED)
    return frozenset(found - {""})


def asks_the_same(one: str, other: str) -> bool:
    """Tell whether two questions have the same numbers, and both or neither a negation."""
    return numbers(one) == numbers(other) and denies(one) == denies(other)


def numbers_held(text: str) -> frozenset[str]:
    """Return the numbers that a text can vouch for: also those that it has as "one" or "third"."""
    return numbers(text) | {_ORDINALS[word] for word in folded(text) if word in _ORDINALS}


def literals(text: str) -> frozenset[str]:
    """Return what must be repeated to the letter: addresses of the web and of mail, file names, domains."""
    found = {match.group() for match in (*_URL.finditer(text), *_MAIL.finditer(text))}
    rest = _MAIL.sub(" ", _URL.sub(" ", text))
    found.update(match.group() for match in _DOTTED.finditer(rest) if _is_dotted_name(match.group()))
    return frozenset(address(each) for each in found)


def addresses(text: str) -> frozenset[str]:
    """Return the web addresses of a text."""
    return frozenset(address(match.group()) for match in _URL.finditer(text))


def address(text: str) -> str:
    """Return an address as it is compared."""
    return text.rstrip(_TRAILING).rstrip("/").casefold()


def code_spans(text: str) -> list[str]:
    """Return what stands between backticks, white space as single spaces."""
    return [" ".join(match.group(2).split()).casefold() for match in _CODE.finditer(text)]


def names(text: str) -> frozenset[str]:
    """
    Return the words that look like names, as `words` has them: a capital within a sentence or a word, or
    letters with digits.
    """
    plain = _CODE.sub(" ", _MAIL.sub(" ", _URL.sub(" ", text)))
    german = len(_GERMAN.intersection(folded(plain))) > 1
    found: set[str] = set()
    for match in _WORD.finditer(plain):
        word = match.group()
        if word[0].isdigit():
            continue  # "3rd", "100MB": the number is what counts
        mixed = any(each.isupper() or each.isdigit() for each in word[1:])
        capital = word[0].isupper() and not german and not _BEGINS.search(plain[: match.start()])
        if mixed or capital:
            found.update(stem(part) for part in folded(word) if len(part) > 1 and part not in STOP_WORDS)
    return frozenset(found)


def word_set(text: str) -> frozenset[str]:
    """Return all words of a text as they are compared."""
    return frozenset(words(text))


def _plain(number: str) -> str:
    if _THOUSANDS.fullmatch(number):
        number = re.sub(r"\D", "", number)
    number = number.replace(",", ".").rstrip("'’\u00a0\u202f")
    number = number.removesuffix(".00").removesuffix(".-")
    return number.lstrip("0") or ("0" if number else "")


def _is_dotted_name(text: str) -> bool:
    parts = text.split("/")[0].split(".")
    return (
        any(each.isalpha() for each in text)
        and len(parts[-1]) > 1
        and any(len(part) > 1 for part in parts[:-1])
        and not all(part[:1].isdigit() for part in parts)
    )


def _says_something(text: str) -> bool:
    return any(each.isalnum() for each in text)


def binding(claim: str) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """Yield the numbers of each part of a claim, where it has some, and the names beside them."""
    for part in _BOUND.split(claim):
        if held := numbers(part):
            yield held, names(part)
