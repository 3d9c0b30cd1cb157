#!/usr/bin/env python3
"""The text of the sources: length of files, words that mean unfinished work, fixed sleeps in tests. Prints every fault
as FILE:LINE: message, and ends with 1 if there is one.

Usage: text.py ROOT
"""

import pathlib
import re
import sys

from source_tree import CODE, SCRIPTS, own_files

LONGEST = 400

# Written so that this file does not contain the words itself.
UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b")
FIXED_SLEEP = re.compile(r"\b(sleep[_]for|sleep[_]until|u[s]leep|nano[s]leep)\b")


def faults_of_text(path, text):
    """Faults of one file; `path` is relative to the root of the tree."""
    lines = text.splitlines()
    faults = []
    if len(lines) > LONGEST:
        faults.append(f"{path}:{LONGEST + 1}: {len(lines)} lines; a file has at most {LONGEST}")
    for number, line in enumerate(lines, 1):
        word = UNFINISHED.search(line)
        if word:
            faults.append(f'{path}:{number}: "{word.group(0)}": finish it')
        sleep = FIXED_SLEEP.search(line) if path.parts[0] == "tests" and path.suffix in CODE else None
        if sleep:
            faults.append(f'{path}:{number}: "{sleep.group(0)}": tests wait for a condition, not for a time')
        if line != line.rstrip():
            faults.append(f"{path}:{number}: blanks at the end of the line")
    return faults


def faults_of(root):
    faults = []
    for path in own_files(root, CODE + SCRIPTS):
        faults += faults_of_text(path, (pathlib.Path(root) / path).read_text())
    return faults


if __name__ == "__main__":
    found = faults_of(sys.argv[1])
    print("\n".join(found) if found else "lengths and words are in order")
    sys.exit(1 if found else 0)
