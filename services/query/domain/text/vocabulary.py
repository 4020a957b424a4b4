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
