"""`python -m gateway`, the same as `circulation-gateway`."""

from __future__ import annotations

import gc
import os
import signal
import sys

STANDARD_STREAMS = 3


def main() -> None:
    """Run the command line."""
    prepare_process()
    gc.disable()  # nothing that a start creates is garbage; a server enables it when it is ready
    from gateway.cli import main as run  # imports what takes long

    run()


def prepare_process() -> None:
    """Make the process end on SIGTERM from its start on, and keep its descriptors of standard streams.

    The system passes no signal to the first process of a container (PID 1) that this process does not handle.
    A standard stream that is closed would leave its descriptor to the next socket, which then receives what
    is written to the stream.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda signum, frame: os._exit(128 + signum))
    if sys.platform != "win32":
        while (descriptor := os.open(os.devnull, os.O_RDWR)) < STANDARD_STREAMS:
            os.set_inheritable(descriptor, True)
        os.close(descriptor)


if __name__ == "__main__":
    main()
