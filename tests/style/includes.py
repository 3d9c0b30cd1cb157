#!/usr/bin/env python3
"""Includes point down only: each folder sees the folders below it and nothing else. Prints every include that does not
keep to the table, as FILE:LINE: message, and ends with 1 if there is one.

Usage: includes.py ROOT
"""

import pathlib
import re
import sys

from source_tree import CODE, own_files

# The longest matching folder decides. Folders that are not named here (tests, examples) may include everything.
ALLOWED = {
    "conf": ("conf",),
    "wire": ("wire",),
    "wire/http": ("wire/http", "wire/websocket"),
    "wire/websocket": ("wire/http", "wire/websocket"),
    "upstream": ("upstream", "conf", "wire"),
    "health": ("health", "upstream", "conf", "wire"),
    "gateway": ("gateway", "health", "upstream", "conf", "wire"),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def folder_of(path, folders):
    inside = [folder for folder in folders if path.startswith(folder + "/")]
    return max(inside, key=len) if inside else None


def fault_of(file, included):
    """Why `file` (relative, with slashes) may not include `included`, or None."""
    top = included.split("/")[0]
    if top not in ("conf", "wire", "upstream", "health", "gateway", "tests", "examples"):
        return f'"{included}": write own headers from the root of the tree, others in <>'
    folder = folder_of(file, ALLOWED)
    if folder is None or any(included.startswith(allowed + "/") for allowed in ALLOWED[folder]):
        return None
    return f'"{included}": {folder}/ may include only {", ".join(allowed + "/" for allowed in ALLOWED[folder])}'


def faults_of(root):
    faults = []
    for path in own_files(root, CODE):
        for number, line in enumerate((pathlib.Path(root) / path).read_text().splitlines(), 1):
            include = INCLUDE.match(line)
            fault = fault_of(path.as_posix(), include.group(1)) if include else None
            if fault:
                faults.append(f"{path}:{number}: {fault}")
    return faults


if __name__ == "__main__":
    found = faults_of(sys.argv[1])
    print("\n".join(found) if found else "every include points down")
    sys.exit(1 if found else 0)
