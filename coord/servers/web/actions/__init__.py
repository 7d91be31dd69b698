"""What a person does from the page: each action runs a command of coord. It does not decide whether that is allowed."""
