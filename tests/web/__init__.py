"""Tests of the page in a real browser: Playwright with the system's chromium. `make test-web` runs them."""
