"""The docs as tests: the tutorial's commands, the protocol's examples, and the reference."""
