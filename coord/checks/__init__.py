"""What `coord doctor` looks for, one small function per thing that can be wrong, and the patient that they look at.

A check takes the patient and gives what it found: how bad it is, by what it is seen, and what to do, the safest first.
None changes anything. Which there are is said in `coord.health`.
"""
