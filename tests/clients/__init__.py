"""Tests with the real clients, run headless against a model that the test scripts. `make test-clients` runs them.

Each test needs the program of its client, which is searched in the folder of node modules in `COORD_TEST_CLIENTS` and
then on the PATH. If it is missing, the test is skipped. These versions are known to work:

    npm install --prefix FOLDER @anthropic-ai/claude-code-linux-x64@2.1.330
    npm install --prefix FOLDER @openai/codex@0.169.0 @google/gemini-cli@0.61.0
    COORD_TEST_CLIENTS=FOLDER/node_modules make test-clients

In `tests.support.clients`, `model` is the server for all models, `dialects` has the format of each API, `programs` says
how each client is run, and `agents` runs them, with a home of their own, a dummy key and a clean environment. An agent
waits until the test gives the answer of its model, so the actions of two agents happen in the order of the test.
`python -m tests.clients.transcript` prints an example.
"""
