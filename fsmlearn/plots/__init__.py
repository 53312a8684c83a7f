"""What a machine and its network look like: pictures for the eye, made from a model file and returned, never shown."""
