"""What stands before every RPC of every server."""
