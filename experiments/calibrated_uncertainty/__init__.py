"""Whether the error bars of a fit are as wide as its errors, and what would make them so."""
