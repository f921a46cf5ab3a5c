"""One composition root per process; nobody imports them."""
