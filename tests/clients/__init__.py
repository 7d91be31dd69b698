"""The real clients, run headless against a model that is played by the test. `make test-clients` runs these tests.

Each needs the client's own program. It is looked for in the folder of node modules that `COORD_TEST_CLIENTS` names,
then on the PATH; where it is not, the tests of that client are skipped, and say so. Those that we know to work:

    npm install --prefix FOLDER @anthropic-ai/claude-code-linux-x64@2.1.330
    npm install --prefix FOLDER @openai/codex@0.169.0 @google/gemini-cli@0.61.0
    COORD_TEST_CLIENTS=FOLDER/node_modules make test-clients

`model` plays the models of all clients, `dialects` says how each API puts what is said, `programs` how each client is
run, and `agents` runs it: with a home of its own, a dummy key and nothing of our environment. A test plays the model
live: an agent waits for its model until the test says what the model answers, so what two agents do comes in the order
in which the test says it. `python -m tests.clients.transcript` prints such a play.
"""
