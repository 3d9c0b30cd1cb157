#!/usr/bin/env python3
"""Runs clang-tidy over the own sources of a build and remembers which were clean: a file is looked at again only when
it, a header of ours that it includes, its compile command, .clang-tidy or clang-tidy itself has changed. What is
remembered holds in every clone, as ccache's objects do, and is forgotten when nobody has asked for it for a month.

Usage: tidy.py ROOT BUILD     BUILD is configured with Ninja; sources that were not built are checked each time.
"""

import concurrent.futures
import contextlib
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

# What is shipped. Tests, and the programs that prove and measure, are compiled with the same warnings; linting them too
# would double the time.
CHECKED = ("conf/", "wire/", "upstream/", "health/", "gateway/", "examples/")


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def headers_by_object(root, build):
    """The own files each object was made from, as Ninja recorded them."""
    headers, current = {}, None
    for line in output_of("ninja", "-C", str(build), "-t", "deps").splitlines():
        if line.startswith("    "):
            path = pathlib.Path(build, line.strip()).resolve()
            if path.is_relative_to(root):
                current.append(path)
        elif ": #deps" in line:
            current = headers.setdefault(line.split(": #deps")[0], [])
    return headers


def memory_folder():
    caches = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    folder = pathlib.Path(caches, "tidegate", "tidy")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def forget_old(memory):
    month_ago = time.time() - 30 * 24 * 3600
    for stamp in memory.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another run's
            if stamp.stat().st_mtime < month_ago:
                stamp.unlink()


def key_of(root, entry, headers, common):
    """A hash over all that the verdict on this source depends on, or None if that is not known."""
    made = re.search(r" -o (\S+)", entry["command"])
    sources = headers.get(made.group(1)) if made else None
    if not sources:
        return None
    digest = hashlib.sha256(common)
    digest.update(entry["command"].replace(str(root), "").encode())
    for path in sorted(set(sources)):
        if not path.is_file():
            return None
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def check(file, build):
    command = ["clang-tidy", "--quiet", "-p", str(build), "--extra-arg=-Wno-unknown-warning-option", file]
    return subprocess.run(command, capture_output=True, text=True)


def main(root, build):
    root, build = pathlib.Path(root).resolve(), pathlib.Path(build).resolve()
    entries = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        relative = path.relative_to(root).as_posix() if path.is_relative_to(root) else ""
        if relative.startswith(CHECKED):
            entries[relative] = entry
    if not entries:
        print(f"{build}: no source of ours in compile_commands.json")
        return 1

    headers = headers_by_object(root, build)
    common = (root / ".clang-tidy").read_bytes() + output_of("clang-tidy", "--version").encode()
    keys = {file: key_of(root, entry, headers, common) for file, entry in entries.items()}
    memory = memory_folder()
    forget_old(memory)

    faulty, due = 0, []
    for file, key in keys.items():
        if key and (memory / key).exists():
            (memory / key).touch()
        else:
            due.append(file)
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for file, result in zip(due, pool.map(lambda file: check(str(root / file), build), due)):
            if result.returncode != 0:
                faulty += 1
                noise = re.compile(r"^\d+ warnings? .*generated.*\n", re.MULTILINE)
                print(f"--- {file}\n{result.stdout}{noise.sub('', result.stderr)}", flush=True)
            elif keys[file]:
                (memory / keys[file]).touch()
    print(f"clang-tidy: {len(entries)} sources, {len(due)} looked at, {faulty} with faults")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
