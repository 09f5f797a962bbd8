"""python -m workshop_utils start | doctor | download | mirror | execute | links"""

import argparse
import sys
from importlib import import_module

COMMANDS = ("start", "doctor", "download", "mirror", "execute", "links")


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns its exit code. Errors that people can mend are printed as a sentence."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="python -m workshop_utils",
        description="The commands of the image-classification workshop.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in [
        name for name in COMMANDS if name in arguments[:1]
    ] or COMMANDS:  # one command need not wait for what others import
        module = import_module(f"workshop_utils.tools.{name}")
        command = commands.add_parser(
            name, help=module.__doc__.splitlines()[0], description=module.__doc__
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except (ValueError, OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
