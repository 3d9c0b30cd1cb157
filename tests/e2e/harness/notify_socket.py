#!/usr/bin/env python3
"""A service manager's end of sd_notify(3): prints each datagram as a line of JSON.

Usage: notify_socket.py NAME      (a path, or @NAME for an abstract one)
"""

import json
import socket
import sys

name = sys.argv[1]
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind("\0" + name[1:] if name.startswith("@") else name)
print("listening", flush=True)
while True:
    print(json.dumps(manager.recv(65536).decode()), flush=True)
