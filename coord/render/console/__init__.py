"""Output that needs a terminal: fitted text, a full-screen view, a progress bar. The texts are made elsewhere."""
