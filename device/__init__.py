"""What the appliance does."""
