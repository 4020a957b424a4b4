"""Lists of English words that decide whether a full stop ends a sentence."""


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


LEADING = _listed("""
    mr mrs ms dr prof st sr jr gen col sgt capt rev hon e.g i.e eg ie vs cf fig figs nos vol pp ca
    approx al jan feb mar apr jun jul aug sep sept oct nov dec dept est resp incl esp
""")
"""Abbreviations that something always follows: their full stop never ends a sentence."""

TRAILING = _listed("etc inc ltd co corp u.s u.k e.u a.m p.m ph.d b.c a.d min max")
"""Abbreviations that end a sentence only where a new one plainly begins."""

BEGINNERS = _listed("""
    a an and as at but by for from he her here his however if in it its my no not on or our she so
    that the their then there these they this those to we what when where which who why with yes you
    your
""")
"""Words that, with a capital, plainly begin a sentence."""
