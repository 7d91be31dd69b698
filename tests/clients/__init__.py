"""Tests with the real clients, run headless against a model that the test scripts. `make test-clients` runs them.

Each test needs the program of its client, which is searched in the folder of node modules in `COORD_TEST_CLIENTS` and
then on the PATH. If it is missing, the test is skipped.

    make clients        installs all clients twice: the versions of `versions.txt`, and the newest ones
    make test-clients   runs the tests with each of the two installations

Other installations can be named, with spaces between them: make test-clients COORD_TEST_CLIENTS="A/node_modules B/..."

In `tests.support.clients`, `model` is the server for all models, `dialects` has the format of each API, `programs` says
how each client is run, and `agents` runs them, with a home of their own, a dummy key and a clean environment. An agent
waits until the test gives the answer of its model, so the actions of two agents happen in the order of the test.
`python -m tests.clients.transcript` prints an example.
"""
