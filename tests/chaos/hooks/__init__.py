"""An application that is installed during experiments only."""
