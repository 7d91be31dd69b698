"""Install coord, check it, verify and archive its journals, and import older data. No command line is here."""
