"""What a family of tasks is: how its inputs are made, and which Python programs do each task.

A family module holds one `Family`. Its `inputs` function writes arrays and numbers that both sides read; each `peer`
function reads them, prepares what is not to be timed (imports, wrapping in the package's types, compiling), and gives
back the function to time, whose result is a number that proves the work.
"""

import json
import os
from dataclasses import dataclass, field
from typing import Callable


@dataclass
class Peer:
    """One Python program for one task."""

    package: str
    prepare: Callable
    aim: float  # how many times faster we mean to be
    tolerance: float  # relative difference that the two results may have
    note: str = ""


@dataclass
class Family:
    """Tasks that share their inputs. `full` and `quick` are the sizes, passed to the input function by name."""

    name: str
    full: dict
    quick: dict
    make: Callable = None
    size: dict = field(default_factory=dict)  # task: function of the sizes, for the table
    peers: dict = field(default_factory=dict)  # task: list of Peer

    def inputs(self, function):
        self.make = function
        return function

    def peer(self, task, package, aim, tolerance, size=None, note=""):
        def add(function):
            self.peers.setdefault(task, []).append(Peer(package, function, aim, tolerance, note))
            if size is not None:
                self.size[task] = size
            return function

        return add


class Writer:
    """Lays arrays and numbers down in a folder, for `Reader` and for the Rust program."""

    def __init__(self, folder):
        self.folder, self.index = folder, {"arrays": {}, "numbers": {}}
        os.makedirs(folder, exist_ok=True)

    def array(self, name, values):
        kind = {"float64": "f8", "float32": "f4"}[str(values.dtype)]
        values.astype("<" + kind).tofile(os.path.join(self.folder, name + ".raw"))
        self.index["arrays"][name] = {"kind": kind, "shape": list(values.shape)}

    def number(self, name, value):
        self.index["numbers"][name] = float(value)

    def path(self, name):
        return os.path.join(self.folder, name)

    def finish(self):
        with open(self.path("inputs.json"), "w") as file:
            json.dump(self.index, file)


class Reader:
    """Reads what a `Writer` laid down."""

    def __init__(self, folder):
        self.folder = folder
        with open(self.path("inputs.json")) as file:
            self.index = json.load(file)

    def array(self, name):
        import numpy

        described = self.index["arrays"][name]
        return numpy.fromfile(self.path(name + ".raw"), "<" + described["kind"]).reshape(described["shape"])

    def number(self, name):
        return self.index["numbers"][name]

    def path(self, name):
        return os.path.join(self.folder, name)


def families():
    """Every family, in the order of the table."""
    import importlib

    names = ["pointwise", "variogram", "series", "matchup", "spectrum", "regrid", "ensemble", "image", "distribution"]
    names += ["extremes", "bootstrap", "reading"]
    return [importlib.import_module("families." + name).FAMILY for name in names]
