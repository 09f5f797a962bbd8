"""What `python -m workshop_utils` can do, one small module a command."""
