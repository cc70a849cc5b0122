"""What runs inside the sandbox, on every Python from 2.7 to 3.14. It imports nothing of ours, and nobody imports it."""
