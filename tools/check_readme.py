#!/usr/bin/env python3
"""Checks that C++ and Python code in README.md and docs/guide is the code of files that are built and run.

Each ```cpp or ```python block follows a line `<!-- file: PATH -->`; its lines stand in that file, in one piece.
A line `// ...` or `# ...` alone stands for any lines between two pieces. Indentation of the whole block does not count.
"""

import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MARK = re.compile(r"<!-- file: (\S+) -->\s*$")


def blocks(text: str) -> list[tuple[int, str, str | None]]:
    """Line number, code and marked file of each C++ or Python block."""
    found: list[tuple[int, str, str | None]] = []
    lines = text.splitlines()
    start: int | None = None
    for at, line in enumerate(lines):
        if start is None and line.startswith(("```cpp", "```python")):
            start = at
        elif start is not None and line.startswith("```"):
            mark = MARK.match(lines[start - 1]) if start > 0 else None
            found.append((start + 1, "\n".join(lines[start + 1 : at]), mark.group(1) if mark else None))
            start = None
    return found


def pieces(code: str) -> list[str]:
    return [textwrap.dedent(p).strip("\n") for p in re.split(r"(?m)^\s*(?://|#) \.\.\.$\n?", code) if p.strip()]


def holds(source: str, code: str) -> bool:
    """Whether every piece stands in the source, in this order."""
    lines = source.splitlines()
    at = 0
    for piece in pieces(code):
        wanted = piece.splitlines()
        for begin in range(at, len(lines) - len(wanted) + 1):
            if textwrap.dedent("\n".join(lines[begin : begin + len(wanted)])) == piece:
                at = begin + len(wanted)
                break
        else:
            return False
    return True


def problems(page: Path) -> list[str]:
    out = []
    name = page.relative_to(ROOT)
    text = page.read_text()
    for line, code, file in blocks(text):
        if file is None:
            out.append(f"{name}:{line}: this block names no file: put <!-- file: PATH --> in the line before it")
        elif not (ROOT / file).is_file():
            out.append(f"{name}:{line}: there is no {file}")
        elif not holds((ROOT / file).read_text(), code):
            out.append(f"{name}:{line}: this is not the code of {file}")
    prose = re.sub(r"(?ms)^```.*?^```", "", text)
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose):
        if not (page.parent / link).exists():
            out.append(f"{name}: the link {link} leads nowhere")
    return out


def main() -> int:
    readme = ROOT / "README.md"
    pages = [readme, *sorted((ROOT / "docs/guide").glob("*.md")), *sorted((ROOT / "docs/protocol").glob("*.md"))]
    found = [problem for page in pages for problem in problems(page)]
    if (count := len(readme.read_text().splitlines())) >= 250:
        found.append(f"README.md has {count} lines; it stays under 250")
    print("\n".join(found) or f"{len(pages)} pages: their code is the examples' code")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
