"""
Becomes a command that dies with the process that started it, even when that one is killed.

Run as a file: `python -IS launcher.py PARENT_PID COMMAND…`. On Linux the kernel is asked to send SIGKILL when
the parent's starting thread ends; the request outlives exec. (A `preexec_fn` could do the same, but is not
safe in a process with threads.) Elsewhere the command just starts.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Asks the kernel, checks that the parent is still there, becomes the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
