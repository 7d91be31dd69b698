"""The page that `coord web` serves: what needs a person, who does what, what happened."""
