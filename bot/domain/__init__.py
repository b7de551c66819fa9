"""Pure decisions and records, without clock, input or output."""
