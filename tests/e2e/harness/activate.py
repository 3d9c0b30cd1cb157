#!/usr/bin/env python3
"""Hands listening sockets over to a program, as systemd does it (sd_listen_fds(3)).

Usage: activate.py ADDRESS... -- PROGRAM ARGUMENT...
ADDRESS: HOST:PORT, a path, or udp:HOST:PORT for a socket that is of no use; `reuse:` before it sets SO_REUSEPORT.
"""

import os
import socket
import sys


def opened(address):
    reuse = address.startswith("reuse:")
    address = address.removeprefix("reuse:")
    udp = address.startswith("udp:")
    address = address.removeprefix("udp:")
    family = socket.AF_UNIX if address.startswith("/") else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    host, _, port = address.rpartition(":")
    made.bind(address if family == socket.AF_UNIX else (host, int(port)))
    if not udp:
        made.listen(64)
    return made


separator = sys.argv.index("--")
# Above where they are to be, so that none is in the way of another.
sockets = [os.dup(opened(address).detach()) for address in sys.argv[1:separator]]
high = [os.dup2(number, 100 + i) for i, number in enumerate(sockets)]
for i, number in enumerate(high):
    os.dup2(number, 3 + i, inheritable=True)
for number in [*sockets, *high]:
    if number >= 3 + len(high):
        os.close(number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=":".join("x" * len(high)))
program = sys.argv[separator + 1:]
os.execvp(program[0], program)
