"""What readers are shown, computed from a state or a history."""
