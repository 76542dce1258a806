"""``python -m nomul.train.networks NAME``: train, quantise, fine-tune, and print the record."""

import argparse
import json
from pathlib import Path

from nomul.golden.network.examples import FOLDER
from nomul.train import fashion
from nomul.train.networks import study
from nomul.train.networks.nets import NETS


def main() -> None:
    """Run the study of some networks; stages that are there are not made again."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("names", nargs="*", choices=[*NETS, []], default=[])
    parser.add_argument("--build", type=Path, default=Path("build/networks"))
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--data", type=Path, default=fashion.FOLDER, help="of Fashion-MNIST")
    given = parser.parse_args()
    for name in given.names or NETS:
        print(json.dumps(study.run(name, given.build, given.out, given.data), indent=1))


if __name__ == "__main__":
    main()
