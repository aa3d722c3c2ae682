"""Bytes to deltas: server-sent events, JSON chunks and errors, without any I/O."""
