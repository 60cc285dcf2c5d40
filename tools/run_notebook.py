"""Runs notebooks without a browser, strictly.

A notebook fails (exit status 1) on a compile error, a failed `?`, a panic, anything that a cell writes to stderr,
and on a cell that takes longer than allowed; the message names the notebook, the cell, its first lines and the error.
Lines that cells print (progress) are shown while they run. The executed copy goes to .isotherm/executed/, also
after a failure; the notebook itself is not touched.
"""

import argparse
import os
import pathlib
import re
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

PROJECT = pathlib.Path(__file__).resolve().parent.parent
EXECUTED = PROJECT / ".isotherm" / "executed"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class CellFailed(Exception):
    """A cell did what no cell may do; the text says what."""


class StrictClient(NotebookClient):
    """A client that passes printed lines on as they come, and notices what is written to stderr."""

    def __init__(self, notebook, label, **settings):
        super().__init__(notebook, **settings)
        self.label = label
        self.current = None
        self.complaints = {}

    async def async_execute_cell(self, cell, cell_index, **settings):
        self.current = cell_index
        done = await super().async_execute_cell(cell, cell_index, **settings)
        # What a failed `?` writes to stderr can arrive just after the cell's reply.
        if cell.cell_type == "code":
            await self.async_wait_for_stragglers()
        if cell_index in self.complaints:
            raise CellFailed("it wrote to stderr: " + "\n".join(self.complaints[cell_index].strip().splitlines()[:12]))
        return done

    async def async_wait_for_stragglers(self):
        """Takes the messages that are still under way, for a tenth of a second at most."""
        import asyncio
        import queue

        deadline = time.monotonic() + 0.1
        while time.monotonic() < deadline:
            try:
                message = await self.kc.iopub_channel.get_msg(timeout=0.02)
            except (queue.Empty, asyncio.TimeoutError):
                continue
            if message["msg_type"] == "stream":
                self.output(self.nb.cells[self.current].outputs, message, None, self.current)

    def output(self, outputs, message, display_id, cell_index):
        content = message["content"]
        if message["msg_type"] == "stream":
            if content["name"] == "stderr":
                self.complaints[cell_index] = self.complaints.get(cell_index, "") + content["text"]
            else:
                for line in content["text"].splitlines():
                    if line.strip():
                        print(f"{self.label}: {line}", flush=True)
        return super().output(outputs, message, display_id, cell_index)


def cell_name(notebook, index):
    """The cell as people find it: its number among the code cells, from 1, and its first lines."""
    number = sum(cell.cell_type == "code" for cell in notebook.cells[: index + 1])
    lines = [line for line in notebook.cells[index].source.splitlines() if line.strip()]
    return f"code cell {number}", "\n".join("    | " + line for line in lines[:3])


def first_error(notebook, index, error):
    """The error in few lines: evcxr puts one part of the compiler's message into each error output."""
    found = [o.evalue for o in notebook.cells[index].get("outputs", []) if o.output_type == "error"]
    text = "\n".join(found) if found else str(error)
    lines = [line.rstrip() for line in COLOURS.sub("", text).splitlines() if line.strip()]
    return "\n".join(lines[:12])


def run(path, timeout_seconds, kernel):
    label = path.stem
    notebook = nbformat.read(path, 4)
    timeout_seconds = notebook.metadata.get("isotherm", {}).get("cell_timeout_seconds", timeout_seconds)
    client = StrictClient(
        notebook,
        label,
        timeout=timeout_seconds,
        startup_timeout=1800,  # the first start may compile the library
        kernel_name=kernel,
        resources={"metadata": {"path": str(path.resolve().parent)}},
    )
    begun = time.monotonic()
    problem = None
    print(f"{label}: starting the kernel", flush=True)
    try:
        client.execute()
    except CellTimeoutError:
        problem = f"it took longer than {timeout_seconds} seconds"
    except DeadKernelError:
        problem = "the kernel died (out of memory, or the cell ended the process)"
    except (CellExecutionError, CellFailed) as error:
        problem = first_error(notebook, client.current, error)
        if isinstance(error, CellExecutionError) and client.current in client.complaints:
            # A panic's own words are on stderr; the error only says that the process ended.
            problem = "\n".join(client.complaints[client.current].strip().splitlines()[:6] + [problem])
    except Exception as error:
        if client.current is None:
            print(f"FAILED {label}: the kernel did not start: {error}", flush=True)
            return False
        problem = f"{type(error).__name__}: {error}"
    EXECUTED.mkdir(parents=True, exist_ok=True)
    target = EXECUTED / path.name
    partial = target.with_suffix(f".{os.getpid()}.part")
    nbformat.write(notebook, partial)
    os.replace(partial, target)
    if problem:
        name, source = cell_name(notebook, client.current)
        print(f"FAILED {path}: {name}\n{source}\n{problem}", flush=True)
        return False
    print(f"{label}: all cells ran in {time.monotonic() - begun:.0f} s", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description="Run notebooks without a browser; any error, panic or stderr output fails.")
    parser.add_argument("notebooks", nargs="+", type=pathlib.Path)
    parser.add_argument("--timeout", type=float, default=1800, metavar="SECONDS", help="longest time for one cell (1800)")
    parser.add_argument("--kernel", default="isotherm-rust", help="name of the Jupyter kernel (isotherm-rust)")
    arguments = parser.parse_args()
    # Jupyter's own files stay in the project.
    os.environ.setdefault("JUPYTER_PATH", str(PROJECT / ".tools/share/jupyter"))
    for name in ("CONFIG", "DATA", "RUNTIME"):
        folder = PROJECT / ".tools/jupyter" / name.lower()
        folder.mkdir(parents=True, exist_ok=True)
        os.environ[f"JUPYTER_{name}_DIR"] = str(folder)
    os.environ["IPYTHONDIR"] = str(PROJECT / ".tools/jupyter/ipython")
    missing = [str(path) for path in arguments.notebooks if not path.is_file()]
    if missing:
        sys.exit(f"FAILED: no such notebook: {', '.join(missing)}")
    sys.exit(0 if all([run(path, arguments.timeout, arguments.kernel) for path in arguments.notebooks]) else 1)


if __name__ == "__main__":
    main()
