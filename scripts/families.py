"""Writes the README's table of models from `ferroshap.adapters.families`; with --check only says whether it is current."""

import sys
from pathlib import Path

from ferroshap.adapters.families import FAMILIES, Family, paired

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- families: written by scripts/families.py -->"
END = "<!-- families end -->"


def table() -> str:
    """The lines between the marks."""
    rows = [
        ("family", "from", "base value plus SHAP values is", "refused"),
        ("---", "---", "---", "---"),
        *(_row(family) for family in FAMILIES),
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _row(family: Family) -> tuple[str, ...]:
    sums = "; ".join(f"{each.models + ': ' if each.models else ''}`{each.call}` ({each.unit})" for each in family.sums)
    names = ", ".join(f"`{name}`" for name in paired(family.classes))
    return f"{family.library}: {names}", ", ".join(family.forms), sums, "; ".join(family.refused) or "–"


def main() -> int:
    """0 if the README is current, or was written."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    new = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    if not rest or END not in rest:
        print(f"README.md:1: the marks {BEGIN} and {END} are missing")
        return 1
    if "--check" in sys.argv[1:]:
        if new != text:
            print("README.md: the table of models is not that of ferroshap.adapters.families; run scripts/families.py")
        return int(new != text)
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
