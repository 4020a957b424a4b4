"""When a workspace goes over to its next generation, as far as this replica can know."""

from dataclasses import dataclass

# Two clocks drift apart by at most so many seconds per second: NTP corrects either by 500 parts in a million
# at most (RFC 5905, section 11.3).
_DRIFT = 0.001


@dataclass(frozen=True)
class SwitchTime:
    """
    The instant of a switch lies between `earliest` and `latest`, in seconds of this replica's clock.

    The feed says in how many seconds it will be, which counts from some moment between the report and the
    arrival of the answer (Cristian 1989, Probabilistic Clock Synchronization). Replicas that serve the old
    generation before their earliest and the next one from their latest on are never behind one another, as
    with the waits of Spanner's TrueTime (Corbett et al. 2012).
    """

    earliest: float
    latest: float

    @classmethod
    def told(cls, after_seconds: float, sent_at: float, received_at: float) -> "SwitchTime":
        """Return what one answer tells; `after_seconds` may be past."""
        drift = abs(after_seconds) * _DRIFT
        return cls(sent_at + after_seconds - drift, received_at + after_seconds + drift)

    def narrowed(self, newer: "SwitchTime") -> "SwitchTime":
        """Return what two answers tell together; the newer alone where the feed's clock was set between."""
        earliest, latest = max(self.earliest, newer.earliest), min(self.latest, newer.latest)
        return newer if earliest > latest else SwitchTime(earliest, latest)
