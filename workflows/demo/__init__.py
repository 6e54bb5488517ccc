"""The demo organisation: real templates, and executions worked through the services on a clock of their own."""
