"""Starts workers out of one process that has loaded them, because loading takes longer than they may live.

Each line of its input is the file of a worker's log; it answers with the worker's process id.
"""

import os
import signal
import sys

from mbs.cli import main
from mbs.operations import worker

LOADED = worker


def launch() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            log = os.open(line.strip(), os.O_WRONLY | os.O_CREAT)
            for stream, file in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
                os.dup2(file, stream)
            os._exit(main(["worker"]))
        print(child, flush=True)


if __name__ == "__main__":
    launch()
