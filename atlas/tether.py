"""Stands between `serve` and each of its children, so that nothing outlives `serve`, however it dies.

`serve` starts this file, not the child itself, in a session of its own and holds the other end of its standard input.
When that end closes the child is asked to stop, and then its whole process group is killed: pool children and forked
web workers included. A pipe notices every death on every Unix, needs no help from the grandchildren, and leaves the
worker time to hand its jobs back; a parent-death signal does none of the three.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time


def main(grace: float, command: list[str]) -> None:
    """Run `command` until it ends or the other end of standard input closes; never returns."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    threading.Thread(target=hold, args=(child, grace), daemon=True).start()
    say(describe(child.wait()))
    # The child's own children are in this group too, and so are we: nobody is left to be an orphan.
    os.killpg(0, signal.SIGKILL)


def hold(child: "subprocess.Popen[bytes]", grace: float) -> None:
    """Wait for the parent's end of the pipe to close, then stop the group within `grace` seconds."""
    os.read(sys.stdin.fileno(), 1)
    child.terminate()
    time.sleep(grace)
    os.killpg(0, signal.SIGKILL)


def describe(status: int) -> str:
    """How a child ended, in words."""
    return f"ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def say(text: str) -> None:
    """Tell the parent, unless it is the parent who is gone."""
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), f"{text}\n".encode())


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
