"""coverage.py BUILD LEAST LINES < SOURCE[/LEAST]...: reads what gcov has of each and prints it (see script/coverage)."""
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

build, least, wanted = pathlib.Path(sys.argv[1]).resolve(), float(sys.argv[2]), sys.argv[3]
sources = sys.stdin.read().split()


def branches_of(source):
    """The branches of each line, [(line, index, times taken)], summed over all objects made of @source."""
    taken = {}
    for data in build.rglob(pathlib.PurePath(source).name + ".gcda"):
        with tempfile.TemporaryDirectory() as here:
            subprocess.run(["gcov", "--json-format", "--branch-probabilities", str(data)], cwd=here, check=True, capture_output=True)
            for report in pathlib.Path(here).glob("*.json.gz"):
                for file in json.loads(gzip.open(report).read())["files"]:
                    if not file["file"].endswith(source):
                        continue
                    for line in file["lines"]:
                        for index, branch in enumerate(line["branches"]):
                            key = (line["line_number"], line.get("function_name", ""), index)
                            taken[key] = taken.get(key, 0) + branch["count"]
    return taken


is_good = True
total = total_taken = 0
for word in sources:
    source, _, enough = word.partition(".c/")
    source, enough = (source + ".c", float(enough)) if enough else (source, least)
    taken = branches_of(source)
    hit = sum(count > 0 for count in taken.values())
    percent = 100.0 * hit / len(taken) if taken else 0.0
    is_good = is_good and percent >= enough
    total, total_taken = total + len(taken), total_taken + hit
    print(f"{percent:6.1f} %  {hit:4} of {len(taken):4}  {source}{'' if percent >= enough else f'   below {enough:g}'}")
    if source == wanted:
        text = pathlib.Path(source).read_text().split("\n")
        for number in sorted({line for (line, _, _), count in taken.items() if count == 0}):
            ways = [i for (line, _, i), count in taken.items() if line == number and count == 0]
            print(f"        {number}: {text[number - 1].strip()}   {ways}")
print(f"{100.0 * total_taken / max(total, 1):6.1f} %  {total_taken:4} of {total:4}  together")
sys.exit(0 if is_good else 1)
