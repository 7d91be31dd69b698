"""A stream of NATS JetStream as a remote. It needs the extra `nats`."""
