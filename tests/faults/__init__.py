"""What goes wrong: bad input, full disks, damaged journals, stopped processes, signals."""
