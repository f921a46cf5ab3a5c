"""What a person at a desk uses: run the whole appliance on simulated hardware, look at the report."""
