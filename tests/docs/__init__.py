"""What the docs say is true: commands run, screens are real, links lead somewhere, nothing is missing."""
