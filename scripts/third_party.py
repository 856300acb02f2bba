"""Writes THIRD-PARTY-NOTICES: the crates of which code is in the native module, and the licence texts they ship.

`python scripts/third_party.py` writes it, `--check` says whether it is what Cargo.lock asks for. It lists the crates of
every platform and the macros' crates too, whose output is compiled: the file is then the same on every machine.
"""

import json
import re
import subprocess
import sys
import textwrap
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTICES = ROOT / "THIRD-PARTY-NOTICES"
LICENCE_FILE = re.compile(r"(licen[sc]e|copying|copyright|notice|unlicense)([-._].*)?", re.IGNORECASE)
RULE = "-" * 80

HEAD = """\
Third-party notices of ferroshap

The native module of ferroshap contains code of the Rust crates below. Their licence texts follow, each one once.
It also contains parts of the Rust standard library (https://github.com/rust-lang/rust), Copyright (c) The Rust Project
Contributors, licensed under "MIT OR Apache-2.0": the text of the Apache License is below.

Written by scripts/third_party.py from Cargo.lock and the sources of the crates.
"""


def linked_crates() -> list[dict]:
    """The packages that ferroshap-py needs at run time, ours left out, sorted by name."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--features", "ferroshap-py/abi3"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting, seen = [key for key, package in packages.items() if package["name"] == "ferroshap-py"], set()
    while waiting:
        key = waiting.pop()
        if key not in seen:
            seen.add(key)
            # The kind of a dependency that is neither "build" nor "dev" is null.
            waiting += [d["pkg"] for d in nodes[key]["deps"] if any(kind["kind"] is None for kind in d["dep_kinds"])]
    # The metadata also has optional crates that a feature of their dependent names without asking for them.
    command = ["cargo", "tree", "--locked", "--package", "ferroshap-py", "--features", "ferroshap-py/abi3"]
    command += ["--edges", "normal", "--target", "all", "--prefix", "none"]
    tree = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    built = {tuple(line.split()[:2]) for line in tree.splitlines()}
    found = [packages[key] for key in seen if packages[key]["source"] is not None]
    found = [package for package in found if (package["name"], f"v{package['version']}") in built]
    return sorted(found, key=lambda package: (package["name"], package["version"]))


def licence_texts(package: dict) -> list[str]:
    folder = Path(package["manifest_path"]).parent
    files = [path for path in folder.iterdir() if path.is_file() and LICENCE_FILE.fullmatch(path.name)]
    if not files:
        sys.exit(f"{package['name']} {package['version']} ships no licence text: add it to this script by hand")
    return [path.read_text(encoding="utf-8") for path in sorted(files)]


def notices() -> str:
    crates = linked_crates()
    holders, texts = defaultdict(list), {}
    for package in crates:
        for text in licence_texts(package):
            words = " ".join(text.split())  # copies differ in their line ends and indentation
            texts.setdefault(words, "\n".join(line.rstrip() for line in text.strip("\n").splitlines()))
            holders[words].append(f"{package['name']} {package['version']}")
    rows = [f"{p['name']} {p['version']}: {p['license']} ({p['repository']})" for p in crates]
    titles = {words: textwrap.fill(", ".join(names), len(RULE)) for words, names in holders.items()}
    sections = [f"{RULE}\n{titles[words]}\n{RULE}\n\n{text}\n" for words, text in texts.items()]
    return "\n".join([HEAD, *rows, "", *sections])


if __name__ == "__main__":
    current = notices()
    if sys.argv[1:] == ["--check"]:
        if not NOTICES.is_file() or NOTICES.read_text(encoding="utf-8") != current:
            sys.exit(f"{NOTICES.name} is not current: run `python scripts/third_party.py`, commit the file")
    elif sys.argv[1:]:
        sys.exit("usage: third_party.py [--check]")
    else:
        NOTICES.write_text(current, encoding="utf-8")
