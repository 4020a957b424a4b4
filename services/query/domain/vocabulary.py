"""Lists of English words that several rules go by."""


def listed(text: str) -> frozenset[str]:
    """Return the words of a text that is a list of them."""
    return frozenset(text.split())


STOP_WORDS = listed("""
    d ll m re ve a about above after again all also am an and any are as at be because been before being
    below between both but by can could did do does doing don down during each else ever few fewer for from
    further get gets getting got had has have having he her here hers him his how however i if in into is it
    its just let like likely likes may me might more most mostly must my need needed needs no nor not now of
    off on once one ones only or other others our out over own please s same shall she should so some such t
    than thank thanks that the their them then there these they this those through to too under until up us
    use used uses using very want wanted wants was we were what when where whether which while who whom
    whose why will with within without would yes yet you your
""")
"""Words that say nothing of what is asked."""

POINTERS = listed("""
    it its they them their theirs that those this these he him his she her hers there one ones same
    another other others else instead either both former latter such then so
""")
"""Words that point to something said before."""

LEADING_ABBREVIATIONS = listed("""
    mr mrs ms dr prof st sr jr gen col sgt capt rev hon e.g i.e eg ie vs cf fig figs nos vol pp ca
    approx al jan feb mar apr jun jul aug sep sept oct nov dec dept est resp incl esp
""")
"""Abbreviations that something always follows: their full stop never ends a sentence."""

TRAILING_ABBREVIATIONS = listed("etc inc ltd co corp u.s u.k e.u a.m p.m ph.d b.c a.d min max")
"""Abbreviations that end a sentence only where a new one plainly begins."""

BEGINNERS = listed("""
    a an and as at but by for from he her here his however if in it its my no not on or our she so
    that the their then there these they this those to we what when where which who why with yes you
    your
""")
"""Words that, with a capital, plainly begin a sentence."""
