"""The command line: one command a file, and nothing but declaring, adapting and calling the library."""
