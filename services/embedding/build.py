"""
Builds the bundled embedding model: `python -m services.embedding.build --out DIR`.

Runs when the project is installed, never in a process that serves; needs `onnx` and `safetensors`, which no
process has.
"""

import argparse
import sys
from pathlib import Path

from services.embedding.export.folder import export
from services.embedding.export.weights import WeightsMissing


def main(arguments: list[str] | None = None) -> int:
    """Build into the folder that the arguments name, unless it is there already; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m services.embedding.build", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the model; replaced as a whole")
    out: Path = parser.parse_args(arguments).out
    try:
        built = export(out)
    except WeightsMissing as error:
        sys.stderr.write(f"The embedding model cannot be built: {error}\n")
        return 1
    sys.stdout.write(f"{out}: {'built' if built else 'is up to date'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
