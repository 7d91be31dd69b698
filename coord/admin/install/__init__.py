"""What `coord install` writes into other programs' files, and `coord uninstall` removes. No command line is here."""
