"""The wire: frames to events and back, and which event is legal when."""
