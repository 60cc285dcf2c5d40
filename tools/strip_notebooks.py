"""Strips notebooks for version control: no outputs, no execution counts, no editor's metadata. Standard library only.

    python3 tools/strip_notebooks.py            strips every notebook in place
    python3 tools/strip_notebooks.py --check    changes nothing, and fails if one is not stripped
"""

import json
import pathlib
import sys

PROJECT = pathlib.Path(__file__).resolve().parent.parent
KERNEL = {"display_name": "Rust (isotherm)", "language": "rust", "name": "isotherm-rust"}


def stripped(text):
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        cell["metadata"] = {key: cell["metadata"][key] for key in ("tags",) if key in cell["metadata"]}
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None
    kept = {"kernelspec": KERNEL, "language_info": {"name": "rust"}}
    if "isotherm" in notebook["metadata"]:
        kept["isotherm"] = notebook["metadata"]["isotherm"]
    notebook["metadata"] = kept
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main():
    check = "--check" in sys.argv[1:]
    unstripped = []
    for folder in ("notebooks", "tests/notebooks"):
        for path in sorted((PROJECT / folder).rglob("*.ipynb")):
            if ".ipynb_checkpoints" in path.parts:
                continue
            text = path.read_text(encoding="utf-8")
            if stripped(text) != text:
                unstripped.append(str(path.relative_to(PROJECT)))
                if not check:
                    path.write_text(stripped(text), encoding="utf-8")
    if unstripped and check:
        sys.exit(f"not stripped: {', '.join(unstripped)}; run: python3 tools/strip_notebooks.py")
    for name in unstripped:
        print(f"stripped {name}")


if __name__ == "__main__":
    main()
