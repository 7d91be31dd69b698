"""Output that needs a terminal: a full-screen view and a progress bar. The texts are made elsewhere."""
