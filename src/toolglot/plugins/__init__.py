"""toolglot inside other projects' servers: one file a server, imported by the server itself."""
