"""python -m workshop_utils start | doctor | download | mirror | execute | links | room"""

import argparse
import sys
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path

if not __package__:  # python FOLDER/workshop_utils: from any folder, with -I and with -P
    sys.path[0] = str(Path(__file__).resolve().parents[1])
COMMANDS = ("start", "doctor", "download", "mirror", "execute", "links", "room")


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns its exit code. Errors that people can mend are printed as a sentence."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # where a sign is unknown, a question mark
            stream.reconfigure(errors="replace")
    what = "The commands of the image-classification workshop."
    parser = argparse.ArgumentParser(prog="python -m workshop_utils", description=what)
    commands = parser.add_subparsers(dest="command", required=True)
    # one command need not wait for what others import
    for name in set(COMMANDS).intersection(arguments[:1]) or COMMANDS:
        module = import_module(f"workshop_utils.tools.{name}")
        words = module.__doc__ or ""
        command = commands.add_parser(name, help=words.partition("\n")[0], description=words)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except (ValueError, OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What is whole stays; the same command goes on there.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
