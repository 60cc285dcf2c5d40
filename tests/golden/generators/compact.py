"""A small set of golden vectors out of a whole one: compact.py FROM TO [BYTES]

Of every kind of case (the name up to its first slash) the first and then each k-th is kept, with the least k that brings the
family's file below BYTES (30000), and only the arrays and netCDF files that these cases name. Cases that are large by
themselves are left to the whole set. Nothing is rounded."""
import json, os, shutil, sys

source, target = sys.argv[1:3]
limit = int(sys.argv[3]) if len(sys.argv) > 3 else 30_000
os.makedirs(target, exist_ok=True)
for name in sorted(n for n in os.listdir(source) if n.endswith(".json")):
    whole = json.load(open(f"{source}/{name}"))
    for step in range(1, 100):
        seen, cases = {}, []
        for case in whole["cases"]:
            file = case["inputs"].get("file")
            if file and os.path.getsize(f"{source}/{file}") > 9_000:
                continue
            if len(json.dumps(case)) > limit // 3:
                continue
            kind = case["name"].split("/")[0]
            seen[kind] = seen.get(kind, -1) + 1
            if seen[kind] % step == 0:
                cases.append(case)
        used = {v[1:] for c in cases for v in c["inputs"].values() if isinstance(v, str) and v.startswith("@")}
        text = json.dumps(whole | {"data": {k: v for k, v in whole["data"].items() if k in used}, "cases": cases}, separators=(",", ":"))
        if len(text) <= limit:
            break
    open(f"{target}/{name}", "w").write(text)
    for case in cases:
        file = case["inputs"].get("file")
        if file:
            os.makedirs(os.path.dirname(f"{target}/{file}"), exist_ok=True)
            shutil.copyfile(f"{source}/{file}", f"{target}/{file}")
    print(f"{name:28s} every {step:2d}: {len(cases):3d} of {len(whole['cases']):3d} cases, {len(text)} bytes")
