"""The commands of the command line. Each handler takes the parsed arguments and the paths and returns the exit code."""
