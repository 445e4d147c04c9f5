"""Each rule of delivery is taken out, and its schedule fails."""
