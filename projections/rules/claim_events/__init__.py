"""The events that request, change and pass on claims, and what they do under the rules."""
