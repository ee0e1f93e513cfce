"""Types of arguments, for argparse."""

import argparse


def port_number(given: str) -> int:
    """An argparse type: a TCP port."""
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise argparse.ArgumentTypeError(f"a port is a whole number from 1 to 65535, got {given!r}")
    return int(given)
