"""A git repository as a remote: journals in the ref `refs/coord/log`, outside all branches."""
