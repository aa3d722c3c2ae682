"""From a request to deltas over HTTP: endpoints, keys, clocks, retries, transport failures."""
