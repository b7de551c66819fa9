"""What Aegis knows and decides: pure, no clock, no input or output."""
