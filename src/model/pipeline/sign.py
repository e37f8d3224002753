"""Sign a network, or check its signature as the service does.

python -m src.model.pipeline.sign model/mnist-1.5.0.json --key digits.key     with a private key of yours
python -m src.model.pipeline.sign model/mnist-1.5.0.json                      as yourself, known to sigstore
python -m src.model.pipeline.sign model/mnist-1.5.0.json --check              against `DIGITS_TRUSTED_KEY`, or
                                                  `DIGITS_TRUSTED_IDENTITY` and `DIGITS_TRUSTED_ISSUER`

The signature covers the three files of one version and is written beside them, as `mnist-<version>.sig`.
"""

import argparse
import sys
from pathlib import Path

from src.model.errors import DigitError
from src.model.inference.artefact import describe
from src.model.inference.signature import Trust, sign
from src.settings import read_settings


def main(arguments: list[str] | None = None) -> int:
    """Sign or check a network; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("network", type=Path, help="the .json, .onnx or .pt of the network")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--key", type=Path, help="private key, as PEM (default: DIGITS_SIGNING_KEY, or none)")
    action.add_argument("--check", action="store_true", help="check the signature instead of making one")
    options = parser.parse_args(arguments)
    settings = read_settings()
    try:
        if options.check:
            version = describe(options.network, Trust(settings).verify(options.network)).version
            sys.stdout.write(f"{version} is signed, and its files are those that were signed.\n")
        else:
            sys.stdout.write(f"{sign(options.network, options.key or settings.signing_key)}\n")
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
