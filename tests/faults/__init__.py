"""Tests of faults: bad input, full disks, damaged journals, wrong clocks, killed and stopped processes, signals."""
