"""USB sticks for devices that are never online: lists in, reads out, acks back. Knows no camera and no socket."""
