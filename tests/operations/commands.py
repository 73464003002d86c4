"""The commands as an operator runs them, within this process."""

import argparse
from types import ModuleType


def run(module: ModuleType, *words: str) -> int:
    """Run a command's module with these arguments and return its exit code."""
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    code: int = module.run(parser.parse_args(words))
    return code
