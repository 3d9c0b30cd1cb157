"""The files that are tidegate's own, as the style checks see them."""

import pathlib

FOLDERS = ("conf", "wire", "upstream", "health", "gateway", "examples", "tests", "cmake", ".ci")
ROOT_FILES = ("dev", "CMakeLists.txt")
CODE = (".cpp", ".hpp")
SCRIPTS = (".py", ".sh", ".js", ".mjs", ".cmake")
PASSED_OVER = ("node_modules", "__pycache__", "corpus")


def own_files(root, suffixes):
    """Paths relative to `root` with one of the suffixes, sorted; scripts without a suffix count as scripts."""
    root = pathlib.Path(root)
    found = [pathlib.Path(name) for name in ROOT_FILES if (root / name).is_file()] if SCRIPTS[0] in suffixes else []
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            relative = path.relative_to(root)
            script = folder == ".ci" and SCRIPTS[0] in suffixes
            if path.is_file() and not set(relative.parts) & set(PASSED_OVER) and (path.suffix in suffixes or script):
                found.append(relative)
    return sorted(found)
