#!/usr/bin/env python3
"""Runs clang-tidy over the own sources of a build, a folder at a time, and remembers which were clean: one is looked at
again only when a source of it, a header of ours that they include, their compile command, .clang-tidy or clang-tidy
itself has changed. What is remembered holds in every clone, as ccache's objects do, and is forgotten when nobody has
asked for it for a month.

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


class Batch:
    """The sources of one folder that are compiled in one way, read by clang-tidy as one: most of its time goes to what
    they include, and all of a folder include much the same. Hence no two of them may define one name differently."""

    def __init__(self, folder, command):
        self.folder, self.command, self.sources, self.objects = folder, command, [], []

    def key(self, root, headers, common):
        """A hash over all that the verdict depends on, or None if that is not known."""
        digest = hashlib.sha256(common)
        digest.update(self.command.replace(str(root), "").encode())
        files = set()
        for built in self.objects:
            if built not in headers:
                return None
            files.update(headers[built])
        for path in sorted(files):
            if not path.is_file():
                return None
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()

    def check(self, root, build):
        scratch = build / "tidy" / self.folder.replace("/", "_")
        scratch.mkdir(parents=True, exist_ok=True)
        whole = scratch / f"{hashlib.sha256(self.command.encode()).hexdigest()[:8]}.cpp"
        whole.write_text("".join(f'#include "{root / source}"\n' for source in sorted(self.sources)))
        entry = {"directory": str(build), "file": str(whole), "command": f"{self.command} -c {whole}"}
        (scratch / "compile_commands.json").write_text(json.dumps([entry]))
        ours = f"^{re.escape(str(root))}/({'|'.join(CHECKED)})"
        command = ["clang-tidy", "--quiet", "-p", str(scratch), f"--header-filter={ours}",
                   f"--config-file={root / '.clang-tidy'}", "--extra-arg=-Wno-unknown-warning-option", str(whole)]
        return subprocess.run(command, capture_output=True, text=True)


def batches_of(root, build):
    batches = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        source = path.relative_to(root).as_posix() if path.is_relative_to(root) else ""
        if not source.startswith(CHECKED):
            continue
        way = re.search(r"^(.*) -o (\S+) -c \S+$", entry["command"])
        if not way:
            sys.exit(f"{source}: how it is compiled is not understood: {entry['command']}")
        batch = batches.setdefault((path.parent, way.group(1)), Batch(str(pathlib.Path(source).parent), way.group(1)))
        batch.sources.append(source)
        batch.objects.append(way.group(2))
    return list(batches.values())


def main(root, build):
    root, build = pathlib.Path(root).resolve(), pathlib.Path(build).resolve()
    batches = batches_of(root, build)
    if not batches:
        print(f"{build}: no source of ours in compile_commands.json")
        return 1

    headers = headers_by_object(root, build)
    common = (root / ".clang-tidy").read_bytes() + output_of("clang-tidy", "--version").encode()
    keys = {batch: batch.key(root, headers, common) for batch in batches}
    memory = memory_folder()
    forget_old(memory)

    faulty, due = 0, []
    for batch, key in keys.items():
        if key and (memory / key).exists():
            (memory / key).touch()
        else:
            due.append(batch)
    due.sort(key=lambda batch: -len(batch.sources))
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for batch, result in zip(due, pool.map(lambda batch: batch.check(root, build), due)):
            if result.returncode != 0:
                faulty += 1
                noise = re.compile(r"^\d+ warnings? .*generated.*\n", re.MULTILINE)
                print(f"--- {batch.folder}\n{result.stdout}{noise.sub('', result.stderr)}", flush=True)
            elif keys[batch]:
                (memory / keys[batch]).touch()
    print(f"clang-tidy: {len(batches)} folders, {len(due)} looked at, {faulty} with faults")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
