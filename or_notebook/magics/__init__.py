"""The `%%chat` and `%chat` magics: parsing lines, configuration, wiring the rest together."""
