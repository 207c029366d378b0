"""The process that the user started: it chooses, supervises and reports, and never imports a test module."""
