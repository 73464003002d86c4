"""A provider of e-mail that takes everything at once: a process of its own, so that its CPU is its own.

`python -m bench.gateway` writes its port on standard output and ends with its standard input.
"""

import asyncio
import itertools
import re
import sys

LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)
TAKEN = "HTTP/1.1 202 Accepted\r\nX-Message-Id: m-{}\r\nContent-Length: 0\r\n\r\n"

numbers = itertools.count(1)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection's requests until it is closed."""
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionResetError):
            writer.close()
            return
        length = LENGTH.search(head)
        await reader.readexactly(int(length[1]) if length else 0)
        writer.write(TAKEN.format(next(numbers)).encode())
        await writer.drain()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
