"""What things are. Pure: no clock, file, socket, process or screen."""
