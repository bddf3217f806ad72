"""What the scripts of this folder share: numbers on the command line, and programs whose failure ends the script."""

import argparse
import math
import subprocess
import sys


def positive_int(text):
    """A type of argparse."""
    return _whole(text, 1)


def natural_int(text):
    """A type of argparse: 0, too."""
    return _whole(text, 0)


def positive_float(text):
    """A type of argparse."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError("%r, expected a number above 0" % text)
    return value


def output_of(command, **kwargs):
    """What a program writes on standard output; ends the script with the program's own words if it fails."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False, **kwargs)
    except OSError as error:
        sys.exit("%s: %s" % (command[0], error.strerror))
    if done.returncode != 0:
        sys.exit("%s\nended with status %d:\n%s" % (" ".join(command), done.returncode,
                                                     (done.stderr or done.stdout)[-2000:].strip()))
    return done.stdout


def require_modules(python, modules):
    """Ends the script if a Python has not all of these modules."""
    try:
        code = subprocess.run([python, "-c", "import " + ", ".join(modules)], stderr=subprocess.DEVNULL,
                              check=False).returncode
    except OSError as error:
        sys.exit("%s: %s" % (python, error.strerror))
    if code != 0:
        sys.exit("%s has no %s: tools/setup.sh --benchmarks" % (python, " or ".join(modules)))


def _whole(text, low):
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if value < low:
        raise argparse.ArgumentTypeError("%r, expected a whole number, %d or more" % (text, low))
    return value
