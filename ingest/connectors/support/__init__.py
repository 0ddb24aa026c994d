"""What connectors are made with: the contract, HTTP with retries, sign-in."""
