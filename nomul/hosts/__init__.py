"""Programs for the computer at the other end of a board's line, in C and in Python."""

from nomul.hosts.serial import serial_hosts
from nomul.hosts.words import words_host

__all__ = ["serial_hosts", "words_host"]
