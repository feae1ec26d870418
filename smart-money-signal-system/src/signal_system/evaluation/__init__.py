"""What past decisions were worth: replays today."""
