"""A part of the system that is well or not."""


class FakeDependency:
    """A `Dependency`; tests set `well`."""

    def __init__(self, well: bool = True) -> None:
        self.well = well

    def ready(self) -> bool:
        """Tell whether it is well."""
        return self.well
