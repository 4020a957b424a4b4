"""How many rows are merged into a graph in one go."""

# For how long searches wait for a merge at most, about.
_SECONDS = 0.0015
_MOST = 256


class MergePace:
    """
    Fits the number of rows to the time in which nobody can search.

    What a row takes depends on the graph's size, the vectors' length and the machine, so it is learned from
    the merges themselves.
    """

    def __init__(self) -> None:
        self.rows = 1

    def took(self, rows: int, seconds: float) -> None:
        """Learn from a merge of so many rows."""
        fitting = int(_SECONDS * rows / seconds) if seconds > 0 else _MOST
        # At most doubled: a short merge is measured badly.
        self.rows = max(1, min(fitting, 2 * self.rows, _MOST))
