"""A unit looks at itself: small checks, each with what was found and what to do."""
