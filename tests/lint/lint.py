#!/usr/bin/env python3
"""House rules that a compiler does not check: layers, lengths, banned calls, documents that keep their word."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
# Functions that were longer when the rule came; the list may only shrink.
LONG_FUNCTIONS: set[str] = set()
# A folder uses those of lower numbers; those of one number do not know each other.
LAYERS = {"platform": 1, "ledger": 2, "operations": 2, "merchants": 2, "gateway": 2, "reservation": 2, "web": 2, "seats": 3, "payments": 3, "settlement": 4, "loadgen": 4, "app": 5}
# Inside the platform, a folder may use those before it.
PLATFORM = ["base", "crypto", "telemetry", "runtime", "store", "mariadb", "outbox", "leases", "limits", "broker", "kafka", "cache", "http", "redis", "transfer", "grpc", "aws"]

complaints: list[str] = []


def tracked(*patterns: str) -> list[pathlib.Path]:
    out = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / line for line in out.stdout.splitlines() if (ROOT / line).exists()]


def complain(path: pathlib.Path, line: int, text: str) -> None:
    complaints.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def check_includes(path: pathlib.Path, number: int, line: str) -> None:
    found = re.match(r'#include "([a-z_]+)/([a-z_]+)', line)
    if not found or found.group(1) not in LAYERS:
        return
    mine = path.relative_to(ROOT / "src").parts
    used = found.groups()
    if mine[0] not in LAYERS:
        return
    if used[0] != mine[0] and LAYERS[used[0]] >= LAYERS[mine[0]]:
        complain(path, number, f"{mine[0]} must not include {used[0]}: arrows point down")
    if mine[0] == used[0] == "platform" and PLATFORM.index(used[1]) > PLATFORM.index(mine[1]):
        # The runtime's own test doubles aside, lower folders know nothing of higher ones.
        complain(path, number, f"platform/{mine[1]} must not include platform/{used[1]}")


BANNED = [
    (r"\bstd::rand\b|\bsrand\(", "use platform/base/random.h"),
    (r"\blocaltime\b|(?<!fmt::)\bgmtime\(", "use UTC through <chrono>"),
    (r"catch \(\.\.\.\) \{\s*\}", "never swallow an exception"),
    (r"\busing namespace\b", "name what you use"),
    (r"\bstd::thread\([^)]*\)\.detach\(\)", "join your threads"),
    (r"\bTODO\b|\bFIXME\b", "finish it or open an issue"),
]


def check_functions(path: pathlib.Path, lines: list[str]) -> None:
    start = None
    for number, line in enumerate(lines, 1):
        opens = re.match(r"^(    )?[A-Za-z_].*\) .*\{$|^(    )?[A-Za-z_].*\) \{$", line)
        if opens and not re.match(r"^\s*(namespace|class|struct|enum|if|for|while|switch|TEST)", line):
            start = (number, line)
        if start and re.match(r"^(    )?\}$", line) and len(line) - len(line.lstrip()) == len(start[1]) - len(start[1].lstrip()):
            length = number - start[0] + 1
            name = f"{path.relative_to(ROOT)}:{start[1].strip()[:60]}"
            if length > FUNCTION_LINES_MAX and name not in LONG_FUNCTIONS:
                complain(path, start[0], f"a function of {length} lines (at most {FUNCTION_LINES_MAX})")
            start = None


def check_source(path: pathlib.Path) -> None:
    lines = path.read_text().splitlines()
    if len(lines) > FILE_LINES_MAX:
        complain(path, 1, f"{len(lines)} lines (at most {FILE_LINES_MAX})")
    if path.suffix == ".h" and "#pragma once" not in lines[0]:
        complain(path, 1, "a header begins with #pragma once")
    for number, line in enumerate(lines, 1):
        check_includes(path, number, line)
        for pattern, advice in BANNED:
            if re.search(pattern, line):
                complain(path, number, f"{re.search(pattern, line).group(0)}: {advice}")
    if not path.name.endswith("_test.cc"):
        check_functions(path, lines)


def check_document(path: pathlib.Path, targets: set[str], commands: set[str]) -> None:
    text = path.read_text()
    titles = [line for line in re.sub(r"```.*?```", "", text, flags=re.S).splitlines() if line.startswith("# ")]
    if len(titles) != 1:
        complain(path, 1, f"{len(titles)} titles (one per document)")
    for link in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in link and not link.startswith("mailto:") and not (path.parent / link).exists():
            complain(path, 1, f"the link {link} leads nowhere")
    for target in re.findall(r"`make ([a-z-]+)", text):
        if target not in targets:
            complain(path, 1, f"`make {target}` does not exist")
    for command in re.findall(r"\bflorin (serve|[a-z]+)\b(?= |`|$)", "\n".join(re.findall(r"`[^`\n]+`|^ *bin/florin.*$", text, flags=re.M))):
        if command not in commands:
            complain(path, 1, f"`florin {command}` does not exist")


CODE_BLOCK = re.compile(r"^```.*?^```$", flags=re.M | re.S)


def blocks_of(text: str) -> list[tuple[int, str]]:
    """Each code block, from its opening fence to its closing one, with the line it begins on."""
    return [(text.count("\n", 0, found.start()) + 1, found.group(0)) for found in CODE_BLOCK.finditer(text)]


def headings_in(text: str) -> int:
    return len(re.findall(r"^#{1,6} ", CODE_BLOCK.sub("", text), flags=re.M))


def check_translation(original: pathlib.Path, translation: pathlib.Path) -> None:
    """Holds that both tell readers to do the same: the tests run the commands of the original alone."""
    for path, other in [(original, translation), (translation, original)]:
        if not path.exists():
            complain(path, 1, f"is missing beside {other.name}")
            return
        if f"]({other.name})" not in "\n".join(path.read_text().splitlines()[:5]):
            complain(path, 1, f"the first lines do not link to {other.name}")
    original_text, text = original.read_text(), translation.read_text()
    for (original_line, wanted), (line, block) in zip(blocks_of(original_text), blocks_of(text)):
        if block != wanted:
            complain(translation, line, f"this code block differs from that of {original.name}:{original_line}")
    for what, count in [("code blocks", lambda body: len(blocks_of(body))), ("headings", headings_in)]:
        if count(text) != count(original_text):
            complain(translation, 1, f"{count(text)} {what}, but {original.name} has {count(original_text)}")


def main() -> int:
    for path in tracked("src/*.h", "src/*.cc"):
        check_source(path)
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, flags=re.M))
    commands = {"serve", "migrate", "export", "import", "pay", "bench", "webhook", "ledger", "settle", "dlq", "reconcile", "keys", "demo", "config", "doctor", "version"}
    documents = tracked("*.md")
    for path in documents:
        check_document(path, targets, commands)
    check_translation(ROOT / "README.md", ROOT / "README.ko.md")
    for complaint in complaints:
        print(complaint)
    print(f"lint: {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
