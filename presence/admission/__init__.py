"""Who may connect, and who may ask for how much; plain logic."""
