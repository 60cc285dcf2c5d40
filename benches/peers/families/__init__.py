"""The tasks: each module of this package is a family with its inputs and the Python programs that do the same."""
