"""Living in a kernel: the engine thread, waiting in a cell, cell identity, interrupts."""
